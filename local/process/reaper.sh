#!/bin/bash
# Outlives whoever started it, and then ends the process groups that one left behind. Reads lines "add GROUP" and
# "remove GROUP"; the end of its input means that its owner is gone, in whatever way.
set -uo pipefail

# How long a group has to end by itself.
readonly grace_seconds=${1:-3}

# Not "groups": bash 3.2 and GROUPS are too easily confused. Bash 3.2 (macOS) has no associative arrays either.
owned=' '

signal_all() {
  local signal=$1 group
  for group in $owned; do
    kill -"$signal" -- "-$group" 2>/dev/null || true
  done
}

while read -r action group; do
  case "$action" in
    add) owned+="$group " ;;
    remove) owned=${owned/ $group / } ;;
  esac
done

if [[ $owned != ' ' ]]; then
  signal_all TERM
  sleep "$grace_seconds"
  signal_all KILL
fi
