#!/bin/bash
# What both sides of a ClusterMesh must bring. Needs cluster.sh, faults.sh.
# shellcheck disable=SC2016,SC2034 # jq programs; shared with the programs that source this file

readonly MESH_ACCOUNT=carrierarr-clustermesh

# mesh_side WHO [OPTIONS of kubectl...]: sets side to what that cluster says of itself as JSON; what is missing is a fault.
mesh_side() {
  local who=$1 config service ca releases ready
  shift
  config=$(kube "$@" get configmap cilium-config -n kube-system --ignore-not-found -o json | step_plain) || config=''
  if [[ -z $config ]]; then
    fault "clustermesh-$who" "the cluster at $who has no Cilium, or does not answer" '' 'install Cilium there first'
    side='{}'
    return 0
  fi
  releases=$(kube "$@" get secrets -n kube-system -l owner=helm,name=cilium -o name | step_plain) || releases=''
  service=$(kube "$@" get service clustermesh-apiserver -n kube-system --ignore-not-found -o json | step_plain) || service=''
  ready=$(kube "$@" get deployment clustermesh-apiserver -n kube-system --ignore-not-found -o json | step_plain |
    jq -r '.status.readyReplicas // 0') || ready=0
  # Only a digest leaves the secret.
  ca=$(kube "$@" get secret cilium-ca -n kube-system --ignore-not-found -o json | step_plain |
    jq -r '.data["ca.crt"] // empty' | sha256sum | cut -c 1-16) || ca=''
  [[ -n $releases ]] || fault "clustermesh-$who" "Cilium at $who is no Helm release named cilium" '' \
    'cilium clustermesh connect upgrades that release on both sides; install Cilium by Helm'
  ((${ready:-0} > 0)) || fault "clustermesh-$who" "clustermesh-apiserver at $who is not ready" "ready replicas: ${ready:-0}" \
    'set clustermesh.useAPIServer: true and at least one replica'
  side=$(jq -cn --argjson config "$config" --argjson service "${service:-null}" --arg ca "$ca" '$config.data | {
    name: (.["cluster-name"] // "default"), id: (.["cluster-id"] // "0"),
    routing: (.["routing-mode"] // .tunnel // "tunnel"), most: (.["max-connected-clusters"] // "255"), $ca,
    port: ($service | first(.spec.ports[]?.nodePort // empty) // 0)}')
  jq -e '.id != "0" and .name != "default"' <<<"$side" >/dev/null || fault "clustermesh-$who" \
    "Cilium at $who has no identity of its own" "$(jq -r '"\(.name), id \(.id)"' <<<"$side")" \
    'set cluster.name and cluster.id in its values'
}

# mesh_compare HERE THERE: what the two may not share, and what they must.
mesh_compare() {
  local what got remedy
  while IFS=$'\t' read -r what got remedy; do
    [[ -z $what ]] || fault clustermesh "$what" "$got" "$remedy"
  done < <(jq -rn --argjson a "$1" --argjson b "$2" '
    def differ($key; $what; $remedy): if $a[$key] == $b[$key] then [$what, "\($a[$key])", $remedy] else empty end;
    def agree($key; $what; $remedy): if $a[$key] != $b[$key] then [$what, "\($a[$key]) and \($b[$key])", $remedy] else empty end;
    differ("id"; "both clusters have the same cluster.id"; "give one another cluster.id"),
    differ("name"; "both clusters have the same cluster.name"; "give one another cluster.name"),
    (if $a.port != 0 then differ("port"; "both API servers of ClusterMesh listen on one NodePort (cilium#24692)";
      "set cilium.clusterMeshPort to another port") else empty end),
    agree("ca"; "the clusters have different Cilium CAs"; "copy secret kube-system/cilium-ca into the new cluster before Cilium is installed there"),
    agree("routing"; "the clusters route in different modes"; "use the same routing mode on both sides"),
    agree("most"; "maxConnectedClusters differs"; "use the same value on both sides") | @tsv')
}
