#!/bin/bash
# Puts Ollama's models on the instance store, where the instance has one: the root volume comes from a snapshot, whose
# blocks are fetched when first read, and is small. Formats only a disk of that kind with nothing on it; whatever else
# it finds, it leaves alone, and models go to the root volume. The disk is empty again after a stop, not after a reboot.
# instance-store.sh PLACE
set -euo pipefail
export LC_ALL=C

readonly PLACE=$1
readonly MODEL='Amazon EC2 NVMe Instance Storage'
readonly LABEL=carrierarr

disks=''

say() {
  printf 'instance store: %s\n' "$*"
}

# Of disks of that kind: ours first, then blank ones, the largest first. One line each: label or `-`, path.
# shellcheck disable=SC2016 # $model and $ours are jq's
read_disks() {
  disks=$(lsblk --json --bytes --output NAME,PATH,TYPE,MODEL,FSTYPE,PTTYPE,LABEL,SIZE,MOUNTPOINTS |
    jq -r --arg model "$MODEL" --arg ours "$LABEL" '
      [.blockdevices[] | select(.type == "disk" and ((.model // "") | gsub("^ +| +$"; "")) == $model)
        | select([.mountpoints[]? | strings] == [] and (.children // []) == [])
        | . + {ours: (.fstype == "xfs" and .label == $ours)}
        | select(.ours or (.fstype == null and .pttype == null))]
      | sort_by((.ours | not), -(.size | tonumber))[]
      | "\(if .ours then $ours else "-" end) \(.path)"')
}

# is_blank DISK: no signature that any program knows; lsblk tells what udev saw at some time.
is_blank() {
  local signatures
  signatures=$(wipefs --no-act --noheadings "$1") && [[ -z $signatures ]]
}

mount_disk() {
  mount --types xfs --options noatime,nodev,nosuid "$1" "$PLACE"
  say "models are on $1"
}

main() {
  local label disk
  if findmnt --noheadings "$PLACE" >/dev/null; then
    say "$PLACE is mounted already"
    return 0
  fi
  udevadm settle --timeout=10
  read_disks
  read -r label disk <<<"$disks"
  if [[ -z $disk ]]; then
    say 'none, or none that is free: models go to the root volume'
    return 0
  fi
  # systemd insists on that mode.
  install -d -m 0700 "${PLACE%/*}"
  install -d -m 0755 "$PLACE"
  if [[ -n $(ls -A "$PLACE") ]]; then
    say "there is something in $PLACE: models stay on the root volume"
    return 0
  fi
  if [[ $label != "$LABEL" ]]; then
    if ! is_blank "$disk"; then
      say "$disk is not blank: models go to the root volume"
      return 0
    fi
    # Without -f it refuses, too, to write over anything; -K: a blank disk needs no discarding.
    mkfs.xfs -q -K -L "$LABEL" "$disk"
  fi
  mount_disk "$disk"
}

main
