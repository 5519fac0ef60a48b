#!/bin/bash
# Takes back the credential by which a consumer peered with this cluster.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"
source "${BASH_SOURCE%/*}/lib/liqo.sh"

step_begin delete-peering-user exclusive
step_require ConsumerClusterId '^[a-z][a-z0-9-]{0,62}$'
cluster_open 30
liqo 45 delete peering-user --consumer-cluster-id "$SSM_ConsumerClusterId" --skip-confirm ||
  die "the peering user of $SSM_ConsumerClusterId cannot be deleted: $(liqo_last_words)"
step_put consumer "$SSM_ConsumerClusterId"
