#!/bin/bash
# Waits for the verdict of the boot. Systems Manager is online some seconds before the boot has ended, so the first
# look is hardly ever the last.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/marks.sh"

step_begin await-boot shared
step_require LimitSeconds '^[0-9]{1,4}$'

await_verdict() {
  local look looks=$((10#$SSM_LimitSeconds * 2)) deadline=$((SECONDS + 10#$SSM_LimitSeconds))
  for ((look = 0; look <= looks && SECONDS <= deadline; look++)); do
    read_boot_state
    if [[ $boot_state != pending ]]; then return 0; fi
    sleep 0.5
  done
  boot_state=timeout
  boot_reason="the boot gave no verdict within $SSM_LimitSeconds s; last mark: $(tail -n 1 "$STEP_RUN/timeline" 2>/dev/null || printf none)"
}

await_verdict
step_put boot "$boot_state"
step_put_json timeline "$(boot_timeline)"
[[ $boot_state == 'done' ]] || die "$boot_reason"
