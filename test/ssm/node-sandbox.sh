#!/bin/bash
# node-sandbox.sh STAGE FILES...: inside `unshare --user --map-root-user --mount --pid --fork`. Makes the machine's own
# root read-only, puts throw-away layers over what a node writes to, installs the image's files and stays as process 1.
set -euo pipefail
stage=$1
shift
read -r outer_pid _ </proc/self/stat

# Overlays go below the read-only root's mounts, so nothing of the machine can change.
layer() {
  local layers=$stage/${1//\//_}
  mkdir -p "$layers/upper" "$layers/work"
  mount -t overlay overlay -o "lowerdir=$1,upperdir=$layers/upper,workdir=$layers/work" "$1"
}

mount -t tmpfs tmpfs "$stage"
mount -o remount,bind,ro /
layer /etc
layer /usr
layer /var
mount -t tmpfs tmpfs /run
mount -t proc proc /proc
for files in "$@"; do cp -r "$files/." /; done
mkdir -p /etc/nebula /run/stubs /run/systemd
printf 'carrierarr\n' >/run/systemd/container
mount -t tmpfs -o mode=0700,size=1m tmpfs /etc/nebula
printf '%s\n' "$outer_pid"
exec >/dev/null 2>&1
# Standard input ends with whoever started the node, and everything on the node with this process.
cat
exit 0
