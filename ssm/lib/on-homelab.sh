#!/bin/bash
# What a step needs that passes a credential on from or to the homelab's node.
# shellcheck source-path=SCRIPTDIR
source "${BASH_SOURCE%/*}/prologue.sh"
source "${BASH_SOURCE%/*}/cluster.sh"
source "${BASH_SOURCE%/*}/homelab.sh"
source "${BASH_SOURCE%/*}/../../ami/base/files/usr/local/lib/carrierarr/lib/secret.sh"
source "${BASH_SOURCE%/*}/handover.sh"
