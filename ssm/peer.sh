#!/bin/bash
# Peers with the provider and judges the peering by what Liqo says of itself.
# shellcheck source-path=SCRIPTDIR
source "${BASH_SOURCE%/*}/lib/on-worker.sh"
source "${BASH_SOURCE%/*}/lib/liqo.sh"
source "${BASH_SOURCE%/*}/lib/door.sh"
source "${BASH_SOURCE%/*}/lib/peering.sh"

step_begin peer exclusive
peer_require
cluster_open 30
peer_clusters
