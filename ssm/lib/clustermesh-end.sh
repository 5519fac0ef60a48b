#!/bin/bash
# Takes a cluster that is gone out of this one's ClusterMesh. `cilium clustermesh disconnect` asks both clusters first,
# so here the same change is made without it: the release's own values, less that cluster. Needs prologue.sh,
# cluster.sh.
# shellcheck disable=SC2016,SC2034,SC2154 # jq programs; shared with the programs that source this file

readonly MESH_CLUSTERS='(.config.clustermesh.config.clusters // [])'

# The Helm release of Cilium that is in place, as JSON; nothing where there is none.
mesh_release() {
  local packed
  packed=$(kube_json secrets -n kube-system -l owner=helm,name=cilium,status=deployed |
    jq -r '.items | max_by(.metadata.labels.version | tonumber) | .data.release // empty') || return 1
  [[ -z $packed ]] || base64 -d <<<"$packed" | base64 -d | gunzip
}

# mesh_names CLUSTER < release: whether its values connect that cluster; they are a list, in newer charts a map.
mesh_names() {
  jq -e --arg name "$1" "$MESH_CLUSTERS"' | if type == "array" then any(.[]; .name == $name) else has($name) end' >/dev/null
}

# mesh_configured CLUSTER: whether Cilium's agents are still told to connect to it.
mesh_configured() {
  local found
  found=$(kube_json secret cilium-clustermesh -n kube-system --ignore-not-found |
    jq -r --arg name "$1" '(.data // {}) | has($name)') || return 1
  [[ $found == true ]]
}

# mesh_upgrade CLUSTER SECONDS < release: certificates may be among the values, so they go by file; with the version
# that is installed, since the program would take its own.
mesh_upgrade() {
  local values=$step_scratch/cilium-values.json release version code=0
  release=$(cat)
  version=$(jq -er .chart.metadata.version <<<"$release") || return 1
  jq --arg name "$1" "$MESH_CLUSTERS"' | {clustermesh: {config: {clusters:
    (if type == "array" then map(select(.name != $name)) else {($name): null} end)}}}' <<<"$release" >"$values"
  timeout --kill-after=5 "$2" cilium upgrade --version "$version" --reuse-values --values "$values" >"$values.words" 2>&1 || code=$?
  mesh_words=$(step_plain <"$values.words" | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c 1-300) || true
  log "cilium upgrade: exit code $code: $mesh_words"
  return "$code"
}

# mesh_forget CLUSTER SECONDS: sets mesh_done to none, disconnected or left, and mesh_fault where it is left.
mesh_forget() {
  local release remedy="bind the installer (kubectl apply -k homelab/installer), or take $1 out of clustermesh.config.clusters where Cilium's values are kept"
  mesh_done=none mesh_fault='' mesh_words=''
  if ! release=$(mesh_release); then
    mesh_fault="the Helm release of Cilium cannot be read. Remedy: $remedy"
  elif [[ -n $release ]] && mesh_names "$1" <<<"$release"; then
    mesh_done=disconnected
    mesh_upgrade "$1" "$2" <<<"$release" || mesh_fault="cilium upgrade failed: ${mesh_words:-no word}. Remedy: $remedy"
  fi
  if [[ -z $mesh_fault ]] && mesh_configured "$1"; then
    mesh_fault="Cilium still has $1 among its clusters, though its release does not name it. Remedy: $remedy"
  fi
  if [[ -n $mesh_fault ]]; then mesh_done=left; fi
}
