#!/bin/bash
# Reads unit files and keeps track of what was started from them. Needs standin.sh.
# shellcheck disable=SC2034 # shared with systemctl and supervise.sh

# unit_load UNIT: sets the unit_ variables from its file; returns 1 where there is none.
unit_load() {
  local folder line
  unit_file='' unit_description='' unit_type=simple unit_start='' unit_reload='' unit_restart=no unit_restart_seconds=0.1
  unit_condition='' unit_folder='' unit_pre=() unit_post=() unit_environment=() unit_environment_files=()
  for folder in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system; do
    if [[ -f $folder/$1 ]]; then
      unit_file=$folder/$1
      break
    fi
  done
  [[ -n $unit_file ]] || return 1
  while IFS= read -r line; do
    case $line in
      Description=*) unit_description=${line#*=} ;;
      ConditionPathExists=*) unit_condition=${line#*=} ;;
      RuntimeDirectory=*) unit_folder=${line#*=} ;;
      Type=*) unit_type=${line#*=} ;;
      ExecStartPre=*) unit_pre+=("${line#*=}") ;;
      ExecStartPost=*) unit_post+=("${line#*=}") ;;
      ExecStart=*) unit_start=${line#*=} ;;
      EnvironmentFile=*) unit_environment_files+=("${line#*=}") ;;
      Environment=*) unit_environment+=("${line#*=}") ;;
      ExecReload=*) unit_reload=${line#*=} ;;
      Restart=*) unit_restart=${line#*=} ;;
      RestartSec=*) unit_restart_seconds=${line#*=} ;;
    esac
  done <"$unit_file"
  unit_state=$STANDINS/units/$1
  unit_journal=$STANDINS/journal/$1
  mkdir -p "$unit_state" "$STANDINS/journal"
}

# Sets unit_assignments: what the unit's programs find in their environment. Returns 1 where a file is missing that the
# unit does not mark as optional.
unit_settings() {
  local file words
  unit_assignments=()
  for file in "${unit_environment[@]}"; do
    read -r -a words <<<"$file"
    unit_assignments+=("${words[@]}")
  done
  for file in "${unit_environment_files[@]}"; do
    if [[ ! -r ${file#-} ]]; then
      [[ $file == -* ]] && continue
      return 1
    fi
    mapfile -t words < <(grep -E '^[A-Za-z_][A-Za-z0-9_]*=' "${file#-}")
    unit_assignments+=("${words[@]}")
  done
}

# unit_words COMMAND: sets unit_argv to the command's words, each ${NAME} replaced from unit_assignments.
unit_words() {
  local word each place index
  read -r -a unit_argv <<<"$1"
  # What was assigned last counts.
  for ((index = ${#unit_assignments[@]} - 1; index >= 0; index--)); do
    each=${unit_assignments[index]}
    place="\${${each%%=*}}"
    for word in "${!unit_argv[@]}"; do
      unit_argv[word]=${unit_argv[word]//"$place"/"${each#*=}"}
    done
  done
}

unit_set() {
  printf '%s\n' "$1" >"$unit_state/active.new"
  mv -f "$unit_state/active.new" "$unit_state/active"
}

# active, activating, inactive or failed.
unit_active() {
  cat "$unit_state/active" 2>/dev/null || printf 'inactive\n'
}

# unit_pid NAME: pid kept under that name if the process still lives.
unit_pid() {
  local pid
  pid=$(cat "$unit_state/$1.pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null && printf '%s' "$pid"
}

# A daemon must hold neither a step's lock nor its output open.
unit_close_descriptors() {
  local descriptor
  for descriptor in /proc/self/fd/*; do
    descriptor=${descriptor##*/}
    if ((descriptor > 2 && descriptor != 255)); then eval "exec $descriptor>&-"; fi
  done
}
