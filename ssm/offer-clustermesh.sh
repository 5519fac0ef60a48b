#!/bin/bash
# Checks what ClusterMesh needs of this cluster, and leaves a credential for an hour by which the homelab connects: both
# contexts must be in one hand, since connecting upgrades the Helm release on both sides.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/on-worker.sh"
source "${BASH_SOURCE%/*}/lib/faults.sh"
source "${BASH_SOURCE%/*}/lib/clustermesh.sh"

readonly TOKEN_SECONDS=3600

make_account() {
  jq -n --arg name "$MESH_ACCOUNT" '{apiVersion: "v1", kind: "List", items: [
    {apiVersion: "v1", kind: "ServiceAccount", metadata: {name: $name, namespace: "kube-system"}},
    {apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", metadata: {name: $name},
      roleRef: {apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin"},
      subjects: [{kind: "ServiceAccount", name: $name, namespace: "kube-system"}]}]}' | kube_within 30 apply -f -
}

# write_credential FILE CLUSTER: a kubeconfig with a token that ends by itself; its context is named for the cluster.
write_credential() {
  local ca
  ca=$(kube config view --raw -o json | step_plain | jq -r '.clusters[0].cluster["certificate-authority-data"] // ""')
  jq -n --argjson seconds "$TOKEN_SECONDS" '{apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {expirationSeconds: $seconds}}' |
    kube create --raw "/api/v1/namespaces/kube-system/serviceaccounts/$MESH_ACCOUNT/token" -f - | step_plain |
    jq --arg name "$2" --arg server "$SSM_ServerUrl" --arg ca "$ca" '.status.token | select(. != null) | . as $token
      | {apiVersion: "v1", kind: "Config", "current-context": $name,
        clusters: [{$name, cluster: ({$server} + if $ca == "" then {} else {"certificate-authority-data": $ca} end)}],
        users: [{$name, user: {$token}}], contexts: [{$name, context: {cluster: $name, user: $name}}]}' >"$1"
  [[ -s $1 ]] || die 'the API server gave no token'
}

offer_clustermesh() {
  local side
  mesh_side here
  faults_end
  handover_open
  make_account
  write_credential "$handover_dir/kubeconfig" "$(jq -r .name <<<"$side")"
  handover_put "$SSM_SecretId" "$handover_dir/kubeconfig" 30
  step_put_json clusterMesh "$side"
}

step_begin offer-clustermesh exclusive
step_require SecretId '^[A-Za-z0-9_./-]{1,256}$'
step_require ServerUrl '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$'
cluster_open 30
offer_clustermesh
