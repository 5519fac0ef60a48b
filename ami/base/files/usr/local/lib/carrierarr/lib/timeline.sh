#!/bin/bash
# Marks on the way from power-on to work, one line `<epoch seconds.millis> <mark>` each: what the cold start is computed
# from. They are read by everybody and kept in memory, so that each start of the machine has a timeline of its own.

readonly TIMELINE=/run/carrierarr/timeline

timeline_open() {
  install -d -m 0755 "${TIMELINE%/*}"
  touch "$TIMELINE"
  chmod 0644 "$TIMELINE"
}

# timeline_add NAME [INSTANT]: now, unless an instant is given. A line this short is written in one piece.
timeline_add() {
  printf '%s %s\n' "${2:-${EPOCHREALTIME::-3}}" "$1" >>"$TIMELINE"
}

timeline_has() {
  grep -q " $1\$" "$TIMELINE"
}

# timeline_instant MILLISECONDS: so long after the machine's start.
timeline_instant() {
  local up now=${EPOCHREALTIME//[!0-9]/} at
  read -r up _ </proc/uptime
  at=$((10#$now / 1000 - 10#${up/./} * 10 + $1))
  printf '%d.%03d' $((at / 1000)) $((at % 1000))
}

# What happened before anything of ours ran: the kernel's start and the first program's. A container shares its host's
# kernel, whose start is none of its own.
timeline_add_machine() {
  local userspace
  userspace=$(systemctl show --property=UserspaceTimestampMonotonic --value) || return 0
  [[ $userspace =~ ^[0-9]+$ ]] || return 0
  if [[ ! -e /run/systemd/container ]]; then timeline_add kernel-start "$(timeline_instant 0)"; fi
  timeline_add userspace-start "$(timeline_instant $((userspace / 1000)))"
}
