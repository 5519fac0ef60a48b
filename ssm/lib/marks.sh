#!/bin/bash
# What the boot left behind for others to read. Needs prologue.sh.
# shellcheck disable=SC2034,SC2154 # shared with the steps

# Sets boot_state to done, failed or pending, and boot_reason.
read_boot_state() {
  boot_state=pending boot_reason=''
  if [[ -e $STEP_RUN/boot.done ]]; then
    boot_state='done'
  elif [[ -e $STEP_RUN/boot.failed ]]; then
    boot_state=failed
    boot_reason=$(head -c 1000 "$STEP_RUN/boot.failed")
  fi
}

# The last forty marks as JSON, instants in epoch seconds, in the order of time: some are written later than they were.
boot_timeline() {
  { tail -n 40 "$STEP_RUN/timeline" 2>/dev/null || true; } |
    jq -Rsc 'split("\n") | map(select(test("^[0-9]+[.][0-9]+ [a-z0-9-]+$")) | split(" ") | {at: (.[0] | tonumber), mark: .[1]}) | sort_by(.at)'
}
