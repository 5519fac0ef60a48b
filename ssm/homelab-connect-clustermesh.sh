#!/bin/bash
# Connects this cluster and the one on EC2 by ClusterMesh, once what both bring has been looked at; then takes back the
# credential's rights, whatever came of it.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2034,SC2154 # the prologue reads step_cleanup; the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/on-homelab.sh"
source "${BASH_SOURCE%/*}/lib/door.sh"
source "${BASH_SOURCE%/*}/lib/faults.sh"
source "${BASH_SOURCE%/*}/lib/clustermesh.sh"

mesh_remote='' mesh_here='{}'

# Runs at the end in any case; the account on the other side has no use after this.
withdraw() {
  if [[ -s $mesh_remote ]]; then
    kube --kubeconfig "$mesh_remote" delete clusterrolebinding "$MESH_ACCOUNT" --ignore-not-found --wait=false ||
      log 'the rights of the credential stay until it runs out'
    kube --kubeconfig "$mesh_remote" delete serviceaccount "$MESH_ACCOUNT" -n kube-system --ignore-not-found --wait=false || true
  fi
  handover_close
}

fetch_credential() {
  local wrong
  handover_open
  mesh_remote=$handover_dir/kubeconfig
  step_cleanup=withdraw
  handover_get "$SSM_SecretId" "$mesh_remote" 60
  wrong=$(kubeconfig_fault "$mesh_remote")
  [[ -z $wrong ]] || die "the credential cannot be used: $wrong"
  kubeconfig_route "$mesh_remote" "$SSM_ProviderUrl" "$SSM_ProxyUrl"
  door_await "$mesh_remote" 60 || die "$(door_fault "$SSM_ProviderUrl" "$SSM_ProxyUrl")"
}

check_both() {
  local side here there
  mesh_side here
  here=$side mesh_here=$side
  mesh_side there --kubeconfig "$mesh_remote"
  there=$side
  if [[ $here != '{}' && $there != '{}' ]]; then
    mesh_compare "$here" "$there"
    [[ $(jq -r .name <<<"$there") == "$SSM_ClusterName" ]] || fault clustermesh 'the credential leads to another cluster' \
      "$(jq -r .name <<<"$there")" "set cilium.clusterName on EC2 to $SSM_ClusterName"
  fi
  faults_end
}

# connects [OPTIONS of kubectl...] NAME: whether Cilium there is told to connect to the cluster of that name. Entries of
# a cluster that was made anew under its old name are on one side only.
connects() {
  local found
  found=$(kube "${@:1:$#-1}" get secret cilium-clustermesh -n kube-system --ignore-not-found -o json | step_plain |
    jq -r --arg name "${*: -1}" '(.data // {}) | has($name)') || return 1
  [[ $found == true ]]
}

already_connected() {
  connects "$SSM_ClusterName" && connects --kubeconfig "$mesh_remote" "$(jq -r .name <<<"$mesh_here")"
}

# kubectl and cilium take a list of files; contexts tell the two apart.
connect() {
  local context both=$KUBECONFIG:$mesh_remote status
  context=$(kube config current-context | step_plain)
  [[ -n $context && $context != "$SSM_ClusterName" ]] || die "the homelab's context must have a name, and another than $SSM_ClusterName"
  if already_connected; then
    log 'both sides are connected already'
    step_put_json changed false
  else
    KUBECONFIG=$both timeout --kill-after=5 600 cilium clustermesh connect --context "$context" \
      --destination-context "$SSM_ClusterName" 2>&1 | step_plain >"$handover_dir/words" ||
      die "cilium clustermesh connect failed: $(grep -v '^[[:space:]]*$' "$handover_dir/words" | tail -n 1 | cut -c 1-400)"
    cat "$handover_dir/words"
    step_put_json changed true
  fi
  status=$(KUBECONFIG=$both timeout --kill-after=5 360 cilium clustermesh status --context "$context" --wait \
    --wait-duration 5m --output json | step_plain) || die 'ClusterMesh did not become ready within five minutes'
  jq -e --arg name "$SSM_ClusterName" '(.connectivity.clusters // {} | has($name)) and (.connectivity.not_ready // 0) == 0' \
    <<<"$status" >/dev/null || die "cilium clustermesh status does not count $SSM_ClusterName among the connected: $(jq -c '.connectivity // {}' <<<"$status" | cut -c 1-300)"
  step_put_json connectivity "$(jq -c '.connectivity | {clusters, not_ready, total}' <<<"$status")"
}

step_begin homelab-connect-clustermesh exclusive "$HOMELAB_LOCK_SECONDS"
step_require ClusterName '^[a-z][a-z0-9-]{0,62}$'
step_require SecretId '^[A-Za-z0-9_./-]{1,256}$'
step_require ProviderUrl '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$'
step_require ProxyUrl '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$'
homelab_open
cluster_open 30
fetch_credential
check_both
connect
