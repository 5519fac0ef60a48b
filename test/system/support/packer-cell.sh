#!/bin/bash
# packer-cell.sh FOLDER PORT: a machine to build an image on: this one's files under an overlay, where root logs in by
# key at 127.0.0.1:PORT. Everything that is written ends in FOLDER/written. Runs until it is killed. FOLDER holds the
# host's key (host-key), the key that may log in (key.pub) and stand-ins (programs/).
set -euo pipefail

readonly FOLDER=$1 PORT=$2 ROOT=$1/root

main() {
  mkdir -p "$FOLDER/written" "$FOLDER/work" "$ROOT"
  mount --make-rprivate /
  mount -t overlay overlay -o "lowerdir=/,upperdir=$FOLDER/written,workdir=$FOLDER/work" "$ROOT"
  mount -t proc proc "$ROOT/proc"
  mount --rbind /dev "$ROOT/dev"
  # A real one has neither this machine's sockets nor everybody's temporary files.
  mount -t tmpfs tmpfs "$ROOT/run"
  mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
  install -m 0755 "$FOLDER"/programs/* "$ROOT/usr/local/bin/"
  # A shell that comes in by SSH reads it, and whoever works here may have filled it.
  rm -f "$ROOT/root/.bashrc"
  install -d -m 0700 "$ROOT/root/.ssh"
  install -m 0600 "$FOLDER/key.pub" "$ROOT/root/.ssh/authorized_keys"
  install -m 0600 "$FOLDER/host-key" "$ROOT/run/host-key"
  exec chroot "$ROOT" dropbear -F -E -s -j -k -p "127.0.0.1:$PORT" -r /run/host-key -P /run/dropbear.pid
}

main
