#!/bin/bash
# Instance metadata for root alone. May be run again at any time: the kernel replaces the rules in one transaction, and
# where it refuses them, what was there stays.
set -euo pipefail

# k3s does not start without it: k3s.service.d/10-imds-guard.conf
readonly MARK=/run/carrierarr/imds-guarded

nft --file "${BASH_SOURCE%/*}/imds-guard.nft"
install -d -m 0755 "${MARK%/*}"
: >"$MARK"
