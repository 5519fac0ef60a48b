#!/bin/bash
# drain.sh SECONDS: takes the work off this node, for the worker agent's command DRAIN: cordons it and evicts its pods,
# with no more rights than the node has. Ends with 0 once no pod is left, with 3 where some are after that time, and
# with 2 where this node is in no cluster or cannot be cordoned.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
umask 077
export LC_ALL=C

source "${BASH_SOURCE%/*}/lib/journal.sh"
source "${BASH_SOURCE%/*}/lib/evict.sh"

if [[ ! ${1:-} =~ ^[1-9][0-9]{0,3}$ ]]; then
  log "drain.sh: how many seconds may it take? got \"${1:-}\""
  exit 64
fi
if ! evict_open; then
  log 'this node is in no cluster'
  exit 2
fi
evict_cordon || exit 2
evict_all "$1"
# evict_all tells what it found, and ends well in any case: EC2 waits for nobody.
left=$(evict_list) || exit 3
[[ -z $left ]] || exit 3
printf '%s is cordoned and has no pod left that could go\n' "$evict_node"
