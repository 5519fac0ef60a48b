#!/bin/bash
# Ends a peering, politely where the provider answers and by force where it does not. Needs leftovers.sh and peering's
# door and handover.
# shellcheck disable=SC2034,SC2154 # shared with leftovers.sh; the agent sets SSM_<Parameter>

# Together below the step's limit, with the drain at its longest.
readonly UNPEER_UNOFFLOAD_SECONDS=40
readonly UNPEER_DRAIN_MOST_SECONDS=100
readonly UNPEER_SECRET_SECONDS=10
readonly UNPEER_DOOR_SECONDS=20
readonly UNPEER_SECONDS=90
readonly UNPEER_FORCE_SECONDS=45
readonly UNPEER_END_SECONDS=20

unpeer_require() {
  step_require ProviderClusterId '^[a-z][a-z0-9-]{0,62}$'
  step_require SecretId '^[A-Za-z0-9_./-]{0,256}$'
  step_require ProviderUrl '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$'
  step_require ProxyUrl '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$'
  step_require DrainSeconds '^[0-9]{1,6}$'
}

# unpeer_trouble WHAT: what went wrong, for the verdict; the next part is tried all the same.
unpeer_trouble() {
  log "trouble: $1"
  unpeer_troubles+=("$1")
}

# Namespaces offloaded to that cluster and to no other, one a line. Of a cluster that is one among several, others need
# the offloading still.
unpeer_offloaded() {
  local others
  others=$(kube_json "$FOREIGN_CLUSTERS" | jq --arg id "$SSM_ProviderClusterId" '[.items[] | select(.metadata.name != $id)] | length')
  kube_json namespaceoffloadings.offloading.liqo.io -A | jq -r --arg id "$SSM_ProviderClusterId" --argjson others "${others:-0}" '
    .items[]? | (.status.remoteNamespacesConditions // {} | keys) as $clusters |
    select($clusters == [$id] or (($clusters | length) == 0 and $others == 0)) | .metadata.namespace'
}

unpeer_unoffload() {
  local namespaces=()
  mapfile -t namespaces < <(unpeer_offloaded)
  step_put_json unoffloaded "$(leftovers_json "${namespaces[@]}")"
  if ((${#namespaces[@]} == 0)); then return 0; fi
  liqo "$UNPEER_UNOFFLOAD_SECONDS" unoffload namespace "${namespaces[@]}" \
    --timeout "$((UNPEER_UNOFFLOAD_SECONDS - 5))s" --skip-confirm ||
    unpeer_trouble "namespaces ${namespaces[*]} were not taken back: $(liqo_last_words)"
}

unpeer_drain() {
  local node seconds=$((10#$SSM_DrainSeconds))
  if ((seconds > UNPEER_DRAIN_MOST_SECONDS)); then seconds=$UNPEER_DRAIN_MOST_SECONDS; fi
  while IFS= read -r node; do
    kube_within "$((seconds + 10))" drain "$node" --ignore-daemonsets --delete-emptydir-data --force \
      --timeout "${seconds}s" || unpeer_trouble "virtual node $node was not drained within $seconds s"
  done < <(virtual_nodes "$SSM_ProviderClusterId")
}

# unpeer_politely: returns 1 where the provider cannot be asked.
unpeer_politely() {
  local file
  handover_open
  file=$handover_dir/provider
  if ! handover_try_get "$SSM_SecretId" "$file" "$UNPEER_SECRET_SECONDS"; then
    unpeer_trouble "no credential for the provider: $handover_last"
  elif [[ -n $(kubeconfig_fault "$file") ]] || ! kubeconfig_route "$file" "$SSM_ProviderUrl" "$SSM_ProxyUrl"; then
    unpeer_trouble "secret $SSM_SecretId holds no usable credential"
  elif ! door_await "$file" "$UNPEER_DOOR_SECONDS"; then
    unpeer_trouble "$(door_fault "$SSM_ProviderUrl" "$SSM_ProxyUrl")"
  elif ! liqo "$((UNPEER_SECONDS + 10))" unpeer --remote-kubeconfig "$file" --timeout "${UNPEER_SECONDS}s" --skip-confirm; then
    unpeer_trouble "liqoctl unpeer did not succeed: $(liqo_last_words)"
  else
    step_put how unpeer
    return 0
  fi
  return 1
}

# The peering itself, by whatever way still works.
unpeer_end() {
  if [[ -n $SSM_SecretId ]] && unpeer_politely; then return 0; fi
  step_put how force
  force_unpeer "$SSM_ProviderClusterId" "$UNPEER_FORCE_SECONDS" ||
    unpeer_trouble "liqoctl force unpeer did not succeed: $(liqo_last_words)"
}

unpeer_clusters() {
  unpeer_troubles=() leftovers_cleared=()
  step_put provider "$SSM_ProviderClusterId"
  if [[ -n $(foreign_cluster "$SSM_ProviderClusterId") ]]; then
    unpeer_unoffload
    unpeer_drain
    unpeer_end
  else
    step_put how none
  fi
  remove_virtual_nodes "$SSM_ProviderClusterId"
  remove_tenant_namespaces "$SSM_ProviderClusterId"
  clear_namespaces "$SSM_ProviderClusterId"
  step_put_json troubles "$(leftovers_json "${unpeer_troubles[@]}")"
  leftovers_verdict "$SSM_ProviderClusterId" "$UNPEER_END_SECONDS" ||
    die "of the peering with $SSM_ProviderClusterId there is left: $(what_is_left "$SSM_ProviderClusterId" | paste -sd ','). ${unpeer_troubles[*]:-}"
}
