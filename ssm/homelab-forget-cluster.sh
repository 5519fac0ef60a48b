#!/bin/bash
# Takes away what is left in the homelab of a cluster that is gone: the credential it peered with, its tenant, virtual
# nodes, its part in ClusterMesh, and namespaces stuck on finalizers. What is not marked as that cluster's stays as it is.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"
source "${BASH_SOURCE%/*}/lib/homelab.sh"
source "${BASH_SOURCE%/*}/lib/liqo.sh"
source "${BASH_SOURCE%/*}/lib/leftovers.sh"
source "${BASH_SOURCE%/*}/lib/clustermesh-end.sh"

readonly FORGET_SECONDS=45
readonly FORGET_MESH_SECONDS=60
readonly FORGET_END_SECONDS=30

forget_cluster() {
  local troubles=()
  leftovers_cleared=()
  if has_kind "$FOREIGN_CLUSTERS"; then
    liqo "$FORGET_SECONDS" delete peering-user --consumer-cluster-id "$SSM_ClusterId" --skip-confirm ||
      troubles+=("peering user not deleted: $(liqo_last_words)")
    force_unpeer "$SSM_ClusterId" "$FORGET_SECONDS" || troubles+=("liqoctl force unpeer: $(liqo_last_words)")
  fi
  remove_virtual_nodes "$SSM_ClusterId"
  remove_tenant_namespaces "$SSM_ClusterId"
  clear_namespaces "$SSM_ClusterId"
  mesh_forget "$SSM_ClusterId" "$FORGET_MESH_SECONDS"
  step_put cluster "$SSM_ClusterId"
  step_put clusterMesh "$mesh_done"
  step_put_json troubles "$(leftovers_json "${troubles[@]}")"
  leftovers_verdict "$SSM_ClusterId" "$FORGET_END_SECONDS" ||
    die "of cluster $SSM_ClusterId there is left: $(what_is_left "$SSM_ClusterId" | paste -sd ','). ${troubles[*]:-} $mesh_fault"
  [[ -z $mesh_fault ]] || die "ClusterMesh: $mesh_fault"
}

step_begin homelab-forget-cluster exclusive "$HOMELAB_LOCK_SECONDS"
step_require ClusterId '^[a-z][a-z0-9-]{0,62}$'
homelab_open
cluster_open 30
forget_cluster
