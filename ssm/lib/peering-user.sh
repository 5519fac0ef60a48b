#!/bin/bash
# The credential by which a consumer peers with this cluster. Needs liqo.sh and handover.sh.
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>

readonly PEERING_USER_SECONDS=45
readonly PEERING_WRITE_SECONDS=30

delete_peering_user() {
  liqo "$PEERING_USER_SECONDS" delete peering-user --consumer-cluster-id "$SSM_ConsumerClusterId" --skip-confirm
}

# Generating cannot be repeated, and Liqo keeps no copy: whoever comes second deletes first. What it prints is the
# secret itself, so it goes into a file in memory and nowhere else.
make_peering_user() {
  local file fault
  handover_open
  file=$handover_dir/kubeconfig
  delete_peering_user || die "an earlier peering user of $SSM_ConsumerClusterId cannot be deleted: $(liqo_last_words)"
  liqo "$PEERING_USER_SECONDS" generate peering-user --consumer-cluster-id "$SSM_ConsumerClusterId" --skip-confirm |
    step_plain >"$file" || die "liqoctl made no credential for $SSM_ConsumerClusterId: $(liqo_last_words)"
  fault=$(kubeconfig_fault "$file")
  [[ -z $fault ]] || die "what liqoctl made for $SSM_ConsumerClusterId cannot be used: $fault"
  handover_put "$SSM_SecretId" "$file" "$PEERING_WRITE_SECONDS"
  step_put consumer "$SSM_ConsumerClusterId"
  step_put server "$(kubeconfig_field "$file" '.clusters[0].cluster.server')"
}
