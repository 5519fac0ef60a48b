#!/bin/bash
# Units of the node. Needs prologue.sh and cluster.sh (await).

unit_active() {
  systemctl is-active --quiet "$1.service"
}

# unit_require UNIT SECONDS: waits until it is active; else its last words go into the log, and the very last into the
# reason.
unit_require() {
  local words
  if await "$2" 1 unit_active "$1"; then return 0; fi
  words=$(journalctl --unit "$1.service" --lines 12 --no-pager --output cat 2>&1 | step_plain) || words=''
  log "last words of $1:"$'\n'"${words:-none}"
  die "$1 is $(systemctl is-active "$1.service" 2>/dev/null || true): $(tail -n 1 <<<"${words:-it has said nothing}" | cut -c 1-400)"
}
