#!/bin/bash
# Common part of every step. A step starts with
#     step_begin NAME exclusive|shared [LOCK_SECONDS]
# and ends with exactly one JSON line on standard output, its verdict; everything else goes to a root-only log, because
# Systems Manager keeps the first 24,000 characters of the output and the last ones are what a reader needs.
#
# exclusive: one such step at a time (lock), and a second run for the same execution returns the first run's verdict:
#            SendCommand has no client token, so a step may be sent twice, even at the same time.
# shared:    only looks; may run beside any other step and any number of times.
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>
set -euo pipefail
umask 077
export LC_ALL=C
PATH=${PATH:-/usr/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin

readonly STEP_RUN=/run/carrierarr
readonly STEP_LOGS=/var/log/carrierarr
readonly STEP_LOCK_SECONDS=30
readonly STEP_VERDICT_BYTES=8000

step_name=''
step_mode=''
step_reason=''
step_data=()
step_log=''
step_log_start=0
step_marker=''
# A directory of this run alone, in memory, gone at its end: looks run beside other steps, so no name outside it is
# free.
step_scratch=''
# Function that puts things back when the step does not end well, whatever ended it.
step_undo=''
# Function that runs at the end in any case.
step_cleanup=''

log() {
  printf '%(%Y-%m-%dT%H:%M:%SZ)T %s\n' -1 "$*"
}

# die REASON [RC]: ends the step; the reason is the first thing a reader of the verdict sees.
die() {
  step_reason=$1
  log "failed: $1"
  exit "${2:-1}"
}

# step_put KEY VALUE and step_put_json KEY JSON add to the verdict.
step_put() {
  step_data+=(--arg "data.$1" "$2")
}

step_put_json() {
  step_data+=(--argjson "data.$1" "$2")
}

# step_require NAME PATTERN: an agent older than 3.3.2746.0 does not set SSM_ variables; then nothing may run. Whether a
# parameter may be empty is for its pattern to say.
step_require() {
  local variable=SSM_$1 empty=''
  if [[ -z ${!variable:-} && ! $empty =~ $2 ]]; then
    die "$variable is not set: parameter missing, or SSM agent older than 3.3.2746.0" 64
  fi
  [[ ${!variable:-} =~ $2 ]] || die "$variable is malformed" 64
  printf -v "$variable" '%s' "${!variable:-}"
}

step_begin() {
  step_name=$1
  step_mode=$2
  exec 3>&1 1>/dev/null 2>&1
  trap step_end EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  step_require ExecutionId '^[0-9A-Za-z_-]{1,80}$'
  step_require Worker '^[a-z][a-z0-9-]{0,47}$'
  install -d -m 0755 "$STEP_RUN"
  install -d -m 0700 "$STEP_RUN/steps" "$STEP_LOGS"
  if [[ $step_mode == exclusive ]]; then step_lock "${3:-$STEP_LOCK_SECONDS}"; fi
  step_make_scratch
  step_log=$STEP_LOGS/$SSM_ExecutionId-$step_name.log
  touch "$step_log"
  step_log_start=$(stat -c %s "$step_log")
  exec >>"$step_log" 2>&1
  log "step $step_name for worker $SSM_Worker, execution $SSM_ExecutionId"
}

# step_lock SECONDS: waits for the lock, then returns the verdict of an earlier run if there is one.
step_lock() {
  local marker=$STEP_RUN/steps/$SSM_ExecutionId-$step_name.json
  exec 9>>"$STEP_RUN/step.lock"
  flock -w "$1" 9 || die "another step has been running on this node for $1 s" 75
  if [[ -s $marker ]]; then
    trap - EXIT
    cat "$marker" >&3
    exit "$(jq -r .rc "$marker")"
  fi
  step_marker=$marker
}

# Runs that were killed could not clear up after themselves; those that still run are known by their process.
step_make_scratch() {
  local left owner
  for left in "$STEP_RUN"/scratch.*; do
    owner=${left##*/scratch.}
    if [[ -d $left ]] && ! kill -0 "${owner%%.*}" 2>/dev/null; then rm -rf "$left"; fi
  done
  step_scratch=$(mktemp -d "$STEP_RUN/scratch.$$.XXXXXX")
}

# Removes terminal control sequences and control characters; what remains is plain lines.
step_plain() {
  sed -E \
    -e $'s#\x1b\\[[0-?]*[ -/]*[@-~]##g' \
    -e $'s#\x1b[]PX^_][^\x07\x1b]*(\x07|\x1b\\\\)?##g' \
    -e $'s#\x1b[ -/]*[0-~]?##g' \
    -e $'s#\xc2[\x80-\x9f]##g' |
    tr '\r' '\n' | tr -d '\000-\010\013-\037\177'
}

# step_verdict RC BYTES [DATA...]: the JSON line with at most that many bytes of this run's output.
step_verdict() {
  { [[ -z $step_log ]] || tail -c "+$((step_log_start + 1))" "$step_log" | tail -c 16384 | step_plain | tail -c "$2"; } |
    jq -Rsc --arg step "$step_name" --argjson rc "$1" --arg reason "$step_reason" "${@:3}" \
      '($ARGS.named | with_entries(select(.key | startswith("data.")) | .key |= .[5:]))
       + {step: $step, ok: ($rc == 0), rc: $rc} + (if $reason == "" then {} else {reason: $reason} end) + {tail: .}'
}

# The longest verdict that fits.
step_fit() {
  local bytes line
  for bytes in 6000 3000 1000 0; do
    line=$(step_verdict "$1" "$bytes" "${step_data[@]}") && ((${#line} <= STEP_VERDICT_BYTES)) && break
    line=''
  done
  if [[ -z $line ]]; then line=$(step_verdict "$1" 1000 --argjson data.dataDropped true); fi
  printf '%s' "${line:-{\"step\":\"$step_name\",\"ok\":false,\"rc\":$1,\"tail\":\"\"\}}"
}

# Systems Manager reports 137 as a time-out and reboots the node on 194: neither may leave a script.
step_end() {
  local rc=$? line
  trap - EXIT
  set +e
  case $rc in
    137)
      rc=70
      step_reason=${step_reason:-a program was killed, most likely for want of memory}
      ;;
    194)
      rc=71
      step_reason=${step_reason:-a program exited with 194, which the agent would take for a request to reboot}
      ;;
  esac
  if ((rc != 0)) && [[ -n $step_undo ]]; then "$step_undo"; fi
  if [[ -n $step_cleanup ]]; then "$step_cleanup"; fi
  step_reason=${step_reason:0:1000}
  line=$(step_fit "$rc")
  if [[ -n $step_marker && -n $step_scratch ]]; then
    printf '%s\n' "$line" >"$step_scratch/verdict" && mv -f "$step_scratch/verdict" "$step_marker"
  fi
  if [[ -n $step_scratch ]]; then rm -rf "$step_scratch"; fi
  printf '%s\n' "$line" >&3
  exit "$rc"
}
