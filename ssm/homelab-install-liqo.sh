#!/bin/bash
# Installs Liqo in the homelab's cluster; nothing to do where this version runs already.
# shellcheck source-path=SCRIPTDIR
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"
source "${BASH_SOURCE%/*}/lib/homelab.sh"
source "${BASH_SOURCE%/*}/lib/cidr.sh"
source "${BASH_SOURCE%/*}/lib/liqo.sh"
source "${BASH_SOURCE%/*}/lib/liqo-install.sh"

step_begin homelab-install-liqo exclusive "$HOMELAB_LOCK_SECONDS"
liqo_rights='kubectl apply -k homelab/installer'
liqo_require
homelab_open
cluster_open 30
liqo_install generic
