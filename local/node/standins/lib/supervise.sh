#!/bin/bash
# supervise.sh UNIT: runs a unit's program, puts its output into the journal and starts it again as the unit says.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
source "${BASH_SOURCE%/*}/standin.sh"
source "${BASH_SOURCE%/*}/unit.sh"

unit_load "$1"
unit_close_descriptors
printf '%s\n' "$$" >"$unit_state/supervisor.pid"

stopping=no
child=''
trap 'stopping=yes; kill -TERM "$child" 2>/dev/null || true' TERM

run_once() {
  local code=0
  read -r -a argv <<<"$unit_start"
  "${argv[@]}" </dev/null >>"$unit_journal" 2>&1 &
  child=$!
  printf '%s\n' "$child" >"$unit_state/main.pid"
  if [[ $stopping == yes ]]; then kill -TERM "$child" 2>/dev/null || true; fi
  unit_set active
  wait "$child" || code=$?
  # A signal to this script ends `wait` before the program has ended.
  while ((code > 128)) && kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
  done
  rm -f "$unit_state/main.pid"
  return "$code"
}

while :; do
  code=0
  run_once || code=$?
  if [[ $stopping == yes ]]; then
    unit_set inactive
    break
  fi
  case $unit_restart:$code in
    always:* | on-failure:[1-9]*) unit_set activating ;;
    *:0)
      unit_set inactive
      break
      ;;
    *)
      unit_set failed
      break
      ;;
  esac
  printf '%s: main process exited, status=%s; restart scheduled\n' "$1" "$code" >>"$unit_journal"
  standin_nap "$unit_restart_seconds"
done
rm -f "$unit_state/supervisor.pid"
