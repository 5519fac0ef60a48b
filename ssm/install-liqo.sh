#!/bin/bash
# Installs Liqo on the k3s of this node; nothing to do where this version runs already.
# shellcheck source-path=SCRIPTDIR
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"
source "${BASH_SOURCE%/*}/lib/cidr.sh"
source "${BASH_SOURCE%/*}/lib/liqo.sh"
source "${BASH_SOURCE%/*}/lib/liqo-install.sh"

step_begin install-liqo exclusive
liqo_require
cluster_open 30
liqo_install k3s
