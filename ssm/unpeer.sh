#!/bin/bash
# Ends the peering with a provider, by force where that one is gone. Each part has its own limit; what fails is named,
# and the next part is tried all the same.
# shellcheck source-path=SCRIPTDIR
source "${BASH_SOURCE%/*}/lib/on-worker.sh"
source "${BASH_SOURCE%/*}/lib/liqo.sh"
source "${BASH_SOURCE%/*}/lib/door.sh"
source "${BASH_SOURCE%/*}/lib/leftovers.sh"
source "${BASH_SOURCE%/*}/lib/unpeering.sh"

step_begin unpeer exclusive
unpeer_require
cluster_open 30
unpeer_clusters
