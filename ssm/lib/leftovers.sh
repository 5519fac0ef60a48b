#!/bin/bash
# What a peering leaves behind in this cluster, and how it goes: virtual nodes, tenant namespaces, namespaces that end
# on finalizers nobody serves any more. Only what Liqo has marked as that cluster's is touched. Needs liqo.sh.

readonly LEFTOVER_PATIENCE_SECONDS=8

# Kinds of Liqo that hold a namespace back by a finalizer of their controller.
readonly LIQO_KINDS=(
  namespaceoffloadings.offloading.liqo.io virtualnodes.offloading.liqo.io namespacemaps.offloading.liqo.io
  resourceslices.authentication.liqo.io identities.authentication.liqo.io tenants.authentication.liqo.io
  configurations.networking.liqo.io connections.networking.liqo.io
  gatewayservers.networking.liqo.io gatewayclients.networking.liqo.io
)

# foreign_cluster ID: its ForeignCluster as JSON; nothing where there is none, or no Liqo.
foreign_cluster() {
  if has_kind "$FOREIGN_CLUSTERS"; then kube_json "$FOREIGN_CLUSTERS" "$1" --ignore-not-found; fi
}

# virtual_nodes ID
virtual_nodes() {
  kube_json nodes -l "liqo.io/type=virtual-node,liqo.io/remote-cluster-id=$1" | jq -r '.items[]?.metadata.name'
}

# tenant_namespaces ID
tenant_namespaces() {
  kube_json namespaces -l "liqo.io/tenant-namespace=true,liqo.io/remote-cluster-id=$1" | jq -r '.items[]?.metadata.name'
}

# ending_namespaces ID: namespaces in deletion that are that cluster's by Liqo's own marks: its tenant's, those it
# offloaded to here, and those that were offloaded from here. Each with the finalizers that hold it, as the API says;
# one that anybody else holds back as well is not Liqo's to clear.
ending_namespaces() {
  kube_json namespaces | jq -r --arg id "$1" '
    .items[] | select(.metadata.deletionTimestamp and .status.phase == "Terminating") |
    (.metadata.labels // {}) as $labels | (.metadata.annotations // {}) as $notes |
    select(($labels["liqo.io/remote-cluster-id"] == $id and $labels["liqo.io/tenant-namespace"] == "true")
      or (($notes["liqo.io/managed-by-namespace-map"] // "") | startswith("liqo-tenant-\($id)/"))
      or $labels["liqo.io/scheduling-enabled"] == "true") |
    ([.status.conditions[]? | select(.type == "NamespaceFinalizersRemaining" and .status == "True") | .message
      | match("[^ ,:]+ in [0-9]+ resource"; "g").string | split(" ")[0]]) as $held |
    select(all($held[]; test("(^|[.])liqo[.]io(/|$)"))) |
    select(($held | length) > 0 or $labels["liqo.io/scheduling-enabled"] != "true") |
    .metadata.name'
}

# release_objects NAMESPACE: takes the finalizers off Liqo's own objects in deletion there. Left as they are they would
# come back with the next namespace of that name.
release_objects() {
  local kind name
  for kind in "${LIQO_KINDS[@]}"; do
    while IFS= read -r name; do
      log "takes the finalizers off $kind $1/$name"
      kube patch "$kind" "$name" -n "$1" --type merge --patch '{"metadata":{"finalizers":null}}' || true
    done < <(kube_json "$kind" -n "$1" --ignore-not-found 2>/dev/null | jq -r '
      .items[]? | select(.metadata.deletionTimestamp and (.metadata.finalizers // [] | length) > 0) | .metadata.name' || true)
  done
}

# finalize_namespace NAMESPACE
finalize_namespace() {
  kube_json namespace "$1" --ignore-not-found | jq -c 'if . == null then empty else .spec.finalizers = [] end' |
    kube replace --raw "/api/v1/namespaces/$1/finalize" -f -
}

namespace_is_gone() {
  [[ -z $(kube get namespace "$1" --ignore-not-found -o name | step_plain) ]]
}

no_ending_namespaces() {
  [[ -z $(ending_namespaces "$1") ]]
}

# clear_namespaces ID: gives namespaces in deletion a moment to go by themselves, then clears what holds them. Fills
# leftovers_cleared.
clear_namespaces() {
  local namespace stuck=()
  leftovers_cleared=()
  if await "$LEFTOVER_PATIENCE_SECONDS" 2 no_ending_namespaces "$1"; then return 0; fi
  mapfile -t stuck < <(ending_namespaces "$1")
  for namespace in "${stuck[@]}"; do
    log "namespace $namespace is stuck on finalizers of Liqo: cleared"
    release_objects "$namespace"
    # It may go by itself as soon as nothing in it is held.
    if namespace_is_gone "$namespace" || finalize_namespace "$namespace" >/dev/null || namespace_is_gone "$namespace"; then
      leftovers_cleared+=("$namespace")
    else
      log "namespace $namespace could not be cleared"
    fi
  done
}

# remove_virtual_nodes ID
remove_virtual_nodes() {
  local node
  while IFS= read -r node; do
    log "deletes virtual node $node"
    kube delete node "$node" --ignore-not-found --wait=false || true
  done < <(virtual_nodes "$1")
}

# remove_tenant_namespaces ID: those of the peering; Kubernetes then takes what is in them.
remove_tenant_namespaces() {
  local namespace
  while IFS= read -r namespace; do
    log "deletes tenant namespace $namespace"
    kube delete namespace "$namespace" --ignore-not-found --wait=false || true
  done < <(tenant_namespaces "$1")
}

# what_is_left ID: one line for each thing of that cluster that is still here, and for what nobody could be asked about.
what_is_left() {
  local foreign marked
  if ! foreign=$(foreign_cluster "$1"); then
    printf 'perhaps ForeignCluster %s (the API server did not say)\n' "$1"
  elif [[ -n $foreign ]]; then
    printf 'ForeignCluster %s\n' "$1"
  fi
  if ! marked=$(kube_json nodes,namespaces -l "liqo.io/remote-cluster-id=$1"); then
    printf 'perhaps virtual nodes and namespaces of %s (the API server did not say)\n' "$1"
    return 0
  fi
  jq -r '.items[]? | .metadata.name as $name | .metadata.labels as $labels |
    if .kind == "Node" then select($labels["liqo.io/type"] == "virtual-node") | "virtual node \($name)"
    else select($labels["liqo.io/tenant-namespace"] == "true") | "namespace \($name)" end' <<<"$marked"
}

nothing_is_left() {
  [[ -z $(what_is_left "$1") ]]
}

# force_unpeer ID SECONDS: tells Liqo that the other side is gone for good. liqoctl itself waits without limit for the
# tenant's namespace, and that is what gets stuck.
force_unpeer() {
  if [[ -z $(foreign_cluster "$1") ]]; then return 0; fi
  liqo "$2" force unpeer "$1" --skip-confirm
}

# leftovers_verdict ID SECONDS: waits until nothing is left; what is, is named. Returns 1 where something is.
leftovers_verdict() {
  local left=()
  await "$2" 2 nothing_is_left "$1" || true
  mapfile -t left < <(what_is_left "$1")
  step_put_json cleared "$(leftovers_json "${leftovers_cleared[@]}")"
  step_put_json left "$(leftovers_json "${left[@]}")"
  ((${#left[@]} == 0))
}

leftovers_json() {
  # shellcheck disable=SC2016 # $ARGS is jq's
  jq -cn '$ARGS.positional' --args "$@"
}
