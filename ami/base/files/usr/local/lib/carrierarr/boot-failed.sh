#!/bin/bash
# The verdict of a boot that could not give one itself: it never ran because a unit it requires failed, or it was
# killed.
set -euo pipefail
umask 077
export LC_ALL=C

readonly RUN_DIR=/run/carrierarr
readonly UNIT=carrierarr-boot.service

property() {
  systemctl show --property="$1" --value "$2"
}

# The units that the boot requires and that have failed, each with its result.
failed_requirements() {
  local unit required
  required=$(property Requires "$UNIT")
  for unit in $required; do
    if systemctl --quiet is-failed "$unit"; then printf ' %s (%s)' "$unit" "$(property Result "$unit")"; fi
  done
}

reason() {
  local failed result
  failed=$(failed_requirements)
  result=$(property Result "$UNIT")
  if [[ -n $failed ]]; then
    printf '%s did not run, it requires what failed:%s' "$UNIT" "$failed"
  else
    printf '%s ended without a verdict (%s); last mark: %s' "$UNIT" "$result" "$(tail -n 1 "$RUN_DIR/timeline" 2>/dev/null || printf none)"
  fi
  printf '; see journalctl --unit %s\n' "$UNIT"
}

install -d -m 0755 "$RUN_DIR"
if [[ ! -e $RUN_DIR/boot.failed ]]; then
  reason >"$RUN_DIR/.boot.failed"
  chmod 0644 "$RUN_DIR/.boot.failed"
  mv -f "$RUN_DIR/.boot.failed" "$RUN_DIR/boot.failed"
fi
cat "$RUN_DIR/boot.failed" >&2
