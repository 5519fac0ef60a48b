#!/bin/bash
# Dead-man switch: powers the machine off where nobody has taken it into service within its limit; the launch template
# makes of a shutdown a termination. So a worker whose state machine, network or boot is lost costs hours, not months.
# Runs every minute. What counts is the time the machine has lived since its first boot, over restarts and never by the
# wall clock: a clock that jumps must neither kill a worker nor save it. Only the file in-service with this instance's
# id disarms the switch (step enter-service writes it): an image made from a worker carries another one's.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
umask 077
export LC_ALL=C

source "${BASH_SOURCE%/*}/lib/journal.sh"
source "${BASH_SOURCE%/*}/lib/timeline.sh"
source "${BASH_SOURCE%/*}/lib/imds.sh"

readonly STATE_DIR=/var/lib/carrierarr
readonly DMI_ID=/sys/devices/virtual/dmi/id/board_asset_tag
readonly DEFAULT_LIMIT_SECONDS=7200
# A machine that restarts before the first look has lived too.
readonly LEAST_LIFE_SECONDS=60

# ask PATH: one try; the next look is a minute away.
ask() {
  imds_call --request PUT "$IMDS_ENDPOINT/latest/api/token" <<<'header = "X-aws-ec2-metadata-token-ttl-seconds: 60"'
  [[ $imds_status == 200 ]] || return 1
  imds_call "$IMDS_ENDPOINT/latest/$1" <<<"header = \"X-aws-ec2-metadata-token: $imds_body\""
  [[ $imds_status == 200 ]]
}

# Sets life_id, life_boot, life_before (seconds lived in earlier boots) and life_since (seconds of the last boot known).
read_life() {
  life_id='' life_boot='' life_before=0 life_since=0
  if [[ -r $STATE_DIR/life ]]; then
    read -r life_id life_boot life_before life_since <"$STATE_DIR/life" || true
  fi
  if [[ ! $life_before$life_since =~ ^[0-9]+$ ]]; then life_id='' life_boot='' life_before=0 life_since=0; fi
}

# Sets instance_id: from the metadata, or from the board, or as it was at the last look.
learn_id() {
  instance_id=$life_id
  if ask meta-data/instance-id; then
    instance_id=$imds_body
  elif [[ -r $DMI_ID && $(<"$DMI_ID") =~ ^i-[0-9a-f]+$ ]]; then
    instance_id=${BASH_REMATCH[0]}
  fi
}

# Seconds since the first program started; in a container the machine is older.
seconds_up() {
  local up stat fields
  read -r up _ </proc/uptime
  stat=$(</proc/1/stat)
  read -r -a fields <<<"${stat##*) }"
  printf '%d' $((${up%.*} - fields[19] / 100))
}

# Adds what the machine has lived since the last look; sets lived. A disk that takes nothing makes each boot the first.
live() {
  local boot
  boot=$(</proc/sys/kernel/random/boot_id)
  if [[ -n $life_id && $life_id != "$instance_id" ]]; then
    life_before=0
  elif [[ -n $life_boot && $life_boot != "$boot" ]]; then
    life_before=$((life_before + (life_since > LEAST_LIFE_SECONDS ? life_since : LEAST_LIFE_SECONDS)))
  fi
  life_since=$(seconds_up)
  lived=$((life_before + life_since))
  if ! { install -d -m 0755 "$STATE_DIR" && printf '%s %s %s %s\n' "${instance_id:-unknown}" "$boot" "$life_before" \
    "$life_since" >"$STATE_DIR/life.new" && mv -f "$STATE_DIR/life.new" "$STATE_DIR/life"; }; then
    log "$STATE_DIR cannot be written"
  fi
}

# Sets limit: what the user data says, the default where it says nothing.
learn_limit() {
  local said=''
  if ask user-data; then said=$(sed -n 's/^CARRIERARR_READY_SECONDS=\([1-9][0-9]\{0,5\}\)$/\1/p' <<<"$imds_body"); fi
  limit=${said%%$'\n'*}
  limit=${limit:-$DEFAULT_LIMIT_SECONDS}
}

in_service() {
  [[ -n $instance_id && -r $STATE_DIR/in-service && $(head -c 64 "$STATE_DIR/in-service") == "$instance_id" ]]
}

# No second look: where systemd does not take the first request, a stronger one follows at once.
power_off() {
  local reason="carrierarr: not in service after $lived s, the limit is $limit s: powering off"
  log "$reason"
  printf '%s\n' "$reason" 2>/dev/null >/dev/console || true
  "${BASH_SOURCE%/*}/mark.sh" deadman || true
  systemctl poweroff || systemctl poweroff --force || systemctl poweroff --force --force
}

read_life
if [[ $life_id == unknown ]]; then life_id=''; fi
learn_id
live
if in_service; then
  log "instance $instance_id is in service: disarmed"
  systemctl stop carrierarr-deadman.timer
  exit 0
fi
learn_limit
if ((lived > limit)); then power_off; fi
