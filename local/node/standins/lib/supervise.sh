#!/bin/bash
# supervise.sh UNIT: runs a unit's program, puts its output into the journal and starts it again as the unit says.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
shopt -s extglob
source "${BASH_SOURCE%/*}/standin.sh"
source "${BASH_SOURCE%/*}/unit.sh"

unit_load "$1"
unit_close_descriptors
printf '%s\n' "$$" >"$unit_state/supervisor.pid"

rm -f "$unit_state/restarts"
restarts=0
stopping=no
child=''
trap 'stopping=yes; kill -TERM "$child" 2>/dev/null || true' TERM

# attend: waits for the child, however often a signal to this script ends `wait` before the program has ended.
attend() {
  local code=0
  if [[ $stopping == yes ]]; then kill -TERM "$child" 2>/dev/null || true; fi
  wait "$child" || code=$?
  while ((code > 128)) && kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
  done
  return "$code"
}

launch() {
  unit_words "$1"
  env "STANDIN_NOTIFY=$unit_state/ready" "${unit_assignments[@]}" "${unit_argv[@]}" </dev/null >>"$unit_journal" 2>&1 &
  child=$!
}

# The programs before the program; a leading `-` means that it may fail.
prepare() {
  local command code
  if ! unit_settings; then
    printf '%s: Failed to load environment files: No such file or directory\n' "$1" >>"$unit_journal"
    return 1
  fi
  if [[ -n $unit_folder ]]; then mkdir -p "/run/$unit_folder"; fi
  for command in "${unit_pre[@]}"; do
    launch "${command#-}"
    code=0
    attend || code=$?
    if [[ $stopping == yes ]]; then return 1; fi
    if ((code != 0)) && [[ $command != -* ]]; then
      printf '%s: control process exited, status=%s\n' "$1" "$code" >>"$unit_journal"
      return "$code"
    fi
  done
}

# The programs that run once the program is ready, beside it and no longer than it. A program of a unit with Type=notify
# has to say that it is: systemd's socket cannot be had here, so it makes the file that STANDIN_NOTIFY names.
follow_up() {
  local command program=$child job
  # The list of jobs knows a program from the moment it runs, a variable only from the next line on.
  trap 'for job in $(jobs -p); do kill -TERM "$job" 2>/dev/null || true; done; exit 0' TERM
  while [[ $unit_type == notify && ! -e $unit_state/ready ]]; do
    kill -0 "$program" 2>/dev/null || return 0
    standin_nap 0.1
  done
  for command in "${unit_post[@]}"; do
    unit_words "${command##[-+]*([-+])}"
    env "${unit_assignments[@]}" "${unit_argv[@]}" </dev/null >>"$unit_journal" 2>&1 &
    wait "$!" || true
  done
}

run_once() {
  local code=0 follower=''
  rm -f "$unit_state/ready"
  prepare "$1" || return
  launch "$unit_start"
  printf '%s\n' "$child" >"$unit_state/main.pid"
  unit_set active
  if ((${#unit_post[@]} > 0)); then
    follow_up &
    follower=$!
  fi
  attend || code=$?
  if [[ -n $follower ]]; then kill -TERM "$follower" 2>/dev/null || true; fi
  rm -f "$unit_state/main.pid"
  return "$code"
}

while :; do
  code=0
  run_once "$1" || code=$?
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
  restarts=$((restarts + 1))
  printf '%s' "$restarts" >"$unit_state/restarts"
  standin_nap "$unit_restart_seconds"
done
rm -f "$unit_state/supervisor.pid"
