#!/bin/bash
# Watches for EC2's notice that it takes this Spot instance back, two minutes ahead, and hands the work over: the node
# is cordoned and its pods are evicted, with no more rights than the node has. The notice lies in
# /run/carrierarr/interruption.json from then on; the worker agent tells the control plane of it. After a mere
# recommendation to leave, the node takes nothing new.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
umask 077
export LC_ALL=C

source "${BASH_SOURCE%/*}/lib/journal.sh"
source "${BASH_SOURCE%/*}/lib/imds.sh"
source "${BASH_SOURCE%/*}/lib/evict.sh"

readonly RUN_DIR=/run/carrierarr
readonly PAUSE_SECONDS=5
# What remains of the two minutes belongs to the last look and to EC2.
readonly EVICTION_LIMIT_SECONDS=100

mark() {
  "${BASH_SOURCE%/*}/mark.sh" "$1"
}

open_session() {
  imds_call --request PUT "$IMDS_ENDPOINT/latest/api/token" <<<'header = "X-aws-ec2-metadata-token-ttl-seconds: 21600"'
  [[ $imds_status == 200 ]] || return 1
  imds_session=$imds_body
}

# look PATH: whether the metadata has this, in imds_body. Not having it is the rule, trouble is no news either: the next
# look is near.
look() {
  imds_call "$IMDS_ENDPOINT/latest/meta-data/$1" <<<"header = \"X-aws-ec2-metadata-token: $imds_session\""
  if [[ $imds_status == 401 ]] && open_session; then
    imds_call "$IMDS_ENDPOINT/latest/meta-data/$1" <<<"header = \"X-aws-ec2-metadata-token: $imds_session\""
  fi
  [[ $imds_status == 200 ]]
}

# Writes down what imds_body says; returns 1 where that is no notice.
write_notice() {
  local new=$RUN_DIR/.interruption.json
  jq -ec 'select((.action | type) == "string" and (.time | type) == "string")
    | {action, time, at: (now | todate)}' >"$new" 2>/dev/null <<<"$imds_body" || return 1
  chmod 0644 "$new"
  mv -f "$new" "$RUN_DIR/interruption.json"
}

leave() {
  mark interruption
  log "notice: $(<"$RUN_DIR/interruption.json")"
  if ! evict_open; then
    log 'this node is in no cluster'
  elif evict_cordon; then
    evict_all "$EVICTION_LIMIT_SECONDS"
    mark interruption-drained
  fi
}

main() {
  local cordoned=no
  install -d -m 0755 "$RUN_DIR"
  until open_session; do sleep "$PAUSE_SECONDS"; done
  # Only Spot instances are taken back like this.
  if look instance-life-cycle && [[ $imds_body == on-demand ]]; then exit 0; fi
  until look spot/instance-action && write_notice; do
    if [[ $cordoned == no ]] && look events/recommendations/rebalance; then
      log "recommendation to leave: $imds_body"
      mark rebalance
      if evict_open && evict_cordon; then cordoned=yes; fi
    fi
    sleep "$PAUSE_SECONDS"
  done
  leave
}

main
