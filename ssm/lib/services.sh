#!/bin/bash
# Units of the node. Needs prologue.sh and cluster.sh (await).

unit_active() {
  systemctl is-active --quiet "$1.service"
}

# unit_explain UNIT: logs its last words and sets unit_said to the last that tells of a fault, or else to the very last.
unit_explain() {
  local words
  words=$(journalctl --unit "$1.service" --lines 12 --no-pager --output cat 2>&1 | step_plain) || words=''
  log "last words of $1:"$'\n'"${words:-none}"
  unit_said=$(grep -iE 'fatal|panic|error|fail|cannot' <<<"$words" | tail -n 1 | cut -c 1-400) ||
    unit_said=$(tail -n 1 <<<"${words:-nothing}" | cut -c 1-400)
}

# unit_require UNIT SECONDS: waits until it is active.
unit_require() {
  if await "$2" 1 unit_active "$1"; then return 0; fi
  unit_explain "$1"
  die "$1 is $(systemctl is-active "$1.service" 2>/dev/null || true): $unit_said"
}
