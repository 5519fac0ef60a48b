#!/bin/bash
# On the consumer: an offloaded Job carries 1 MiB both ways and says so in its termination message.
# shellcheck source-path=SCRIPTDIR
# The homelab has a carrierarr-check of its own, which Liqo would neither use nor touch.
PROBE_NAMESPACE=carrierarr-check-aws
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"
source "${BASH_SOURCE%/*}/lib/liqo.sh"
source "${BASH_SOURCE%/*}/lib/probes.sh"
source "${BASH_SOURCE%/*}/lib/verify-peering.sh"

step_begin verify-peering exclusive
cluster_open 30
verify_peering aws home
