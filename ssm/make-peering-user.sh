#!/bin/bash
# Makes the credential by which the consumer peers with this cluster, and puts it straight into its secret.
# shellcheck source-path=SCRIPTDIR
source "${BASH_SOURCE%/*}/lib/on-worker.sh"
source "${BASH_SOURCE%/*}/lib/liqo.sh"
source "${BASH_SOURCE%/*}/lib/peering-user.sh"

step_begin make-peering-user exclusive
step_require ConsumerClusterId '^[a-z][a-z0-9-]{0,62}$'
step_require SecretId '^[A-Za-z0-9_./-]{1,256}$'
cluster_open 30
make_peering_user
