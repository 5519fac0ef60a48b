#!/bin/bash
# Builds the cell a node lives in, in two stages, and becomes the agent in it.
#
#   view   a mount namespace of its own in which the node's file system is put together below ./root: the host's
#          programs under overlays, everything else the node's own. Here `root` still means the caller.
#   inner  user, mount, pid, network, ipc and uts namespaces on top. What `view` mounted is locked for them: it can
#          neither be remounted writable nor taken away to see what lies beneath.
#
# The working directory is the node's directory, and mounts name it relatively: under root the cell's user could not
# walk there. Needs util-linux (unshare, nsenter, setpriv, mount, pivot_root), iproute2 and coreutils.
#
# CELL_UID_BASE  first of 65536 host user ids that become the node's 0..65535; empty: the caller becomes the node's root
# CELL_NODE      the Node.js binary        CELL_HOSTNAME  the node's host name
# CELL_OVERLAY   `yes`: the host's programs and settings under overlays; `no`: read-only, settings copied
# CELL_STAND_INS folder with programs that stand in for what cannot run here; need not exist
# CELL_NEBULA    a nebula to use instead of the host's; may be empty
# CELL_TUN       `yes`: the node gets /dev/net/tun
# CELL_CLUSTER   folder with the stand-ins for Kubernetes, as scripts for Node.js; may be empty
# CELL_WIRES     folder shared by all nodes, in which programs find each other by sockets; empty where there is a network
set -euo pipefail

readonly STAGE=$1

readonly PROGRAMS=(usr opt nix bin sbin lib lib32 lib64 libx32)
# A fork bomb ends here.
readonly PROCESSES=4096
readonly DEVICES=(null zero full random urandom tty)

# overlay NAME: the host's /NAME, readable; what the node writes goes to ./upper/NAME.
overlay() {
  local options=lowerdir=/$1,upperdir=upper/$1,workdir=work/$1
  mkdir -p "root/$1" "upper/$1" "work/$1"
  if [[ -z $CELL_UID_BASE ]]; then options+=,userxattr; fi
  mount -c -t overlay -o "$options" cell "root/$1"
}

# bind_read_only SOURCE TARGET
bind_read_only() {
  mount -c --bind -o ro,nosuid,nodev "$1" "$2"
}

programs() {
  local name
  for name in "${PROGRAMS[@]}"; do
    if [[ -L /$name ]]; then
      cp -P "/$name" "root/$name"
    elif [[ -d /$name && $CELL_OVERLAY == yes ]]; then
      overlay "$name"
    elif [[ -d /$name ]]; then
      mkdir -p "root/$name"
      bind_read_only "/$name" "root/$name"
    fi
  done
}

# Without overlays the host's programs are read-only, /usr/local is the node's own and the settings are a copy.
own_settings() {
  mkdir -p upper/usr/local
  mount -c --bind upper/usr/local root/usr/local
  as_node cp -RP --preserve=mode,timestamps /etc/. root/etc/ 2>/dev/null || true
  as_node cp -RP --remove-destination upper/etc/. root/etc/
}

# What the node itself may not read, its image must not hold.
as_node() {
  if [[ -z $CELL_UID_BASE ]]; then
    "$@"
  else
    setpriv --reuid "$CELL_UID_BASE" --regid "$CELL_UID_BASE" --clear-groups "$@"
  fi
}

devices() {
  local device
  mkdir -p root/dev
  mount -c -t tmpfs -o mode=755,size=1m,nosuid cell root/dev
  for device in "${DEVICES[@]}"; do
    : >"root/dev/$device"
    mount -c --bind "/dev/$device" "root/dev/$device"
  done
  mkdir root/dev/shm root/dev/net
  ln -s /proc/self/fd root/dev/fd
  ln -s fd/0 root/dev/stdin
  ln -s fd/1 root/dev/stdout
  ln -s fd/2 root/dev/stderr
  if [[ $CELL_TUN == yes ]]; then mknod -m 0666 root/dev/net/tun c 10 200; fi
}

agent() {
  mkdir -p root/.agent/program root/.agent/stand-ins
  : >root/.agent/node
  bind_read_only "$CELL_NODE" root/.agent/node
  bind_read_only agent root/.agent/program
  if [[ -d $CELL_STAND_INS ]]; then bind_read_only "$CELL_STAND_INS" root/.agent/stand-ins; fi
  if [[ -n $CELL_CLUSTER ]]; then
    mkdir root/.agent/cluster
    bind_read_only "$CELL_CLUSTER" root/.agent/cluster
  fi
  if [[ -n $CELL_WIRES ]]; then
    mkdir root/.agent/wires
    mount -c --bind -o nosuid,nodev,noexec "$CELL_WIRES" root/.agent/wires
  fi
  if [[ -n $CELL_NEBULA ]]; then
    : >root/usr/local/bin/nebula
    bind_read_only "$CELL_NEBULA" root/usr/local/bin/nebula
  fi
}

# An inherited descriptor of a host directory would be a way out: only the agent's channel stays.
close_descriptors() {
  local path
  for path in /proc/self/fd/*; do
    if ((${path##*/} > 3)); then eval "exec ${path##*/}<&-"; fi
  done
}

view() {
  close_descriptors
  programs
  if [[ $CELL_OVERLAY == yes ]]; then overlay etc; else own_settings; fi
  devices
  agent
  local enter=(unshare --user --map-root-user)
  if [[ -n $CELL_UID_BASE ]]; then
    user_namespace
    # Becoming another user clears the death signal: it is set again beyond.
    enter=(nsenter --user=/proc/self/fd/8 --setuid 0 --setgid 0 setpriv --pdeathsig KILL unshare)
  fi
  # By descriptor, since under root the cell's user may not walk to where this file is.
  exec 9<"${BASH_SOURCE[0]}"
  exec "${enter[@]}" --mount --pid --net --ipc --uts --fork --kill-child bash /proc/self/fd/9 inner
}

# Opens a user namespace with the node's range of ids as file descriptor 8.
user_namespace() {
  local own holder
  own=$(readlink /proc/self/ns/user)
  unshare --user sleep 10 &
  holder=$!
  until [[ $(readlink "/proc/$holder/ns/user") != "$own" ]]; do sleep 0.005; done
  printf '0 %s 65536\n' "$CELL_UID_BASE" >"/proc/$holder/uid_map"
  printf '0 %s 65536\n' "$CELL_UID_BASE" >"/proc/$holder/gid_map"
  exec 8<"/proc/$holder/ns/user"
  kill -KILL "$holder"
  wait "$holder" 2>/dev/null || true
}

limit_processes() {
  local limit
  limit=$(ulimit -u)
  if [[ $limit == unlimited ]] || ((limit > PROCESSES)); then ulimit -u "$PROCESSES"; fi
}

inner() {
  mount -c --rbind root root
  mount -c -t proc -o nosuid,nodev,noexec proc root/proc
  mount -c -t tmpfs -o mode=755,size=64m,nosuid,nodev run root/run
  mount -c -t tmpfs -o mode=1777,size=256m,nosuid,nodev tmp root/tmp
  mount -c -t tmpfs -o mode=1777,size=64m,nosuid,nodev shm root/dev/shm
  hostname "$CELL_HOSTNAME" 2>/dev/null || true
  ip link set lo up
  ip address add 169.254.169.254/32 dev lo
  cd root
  pivot_root . .
  umount -l .
  cd /
  limit_processes
  exec 8<&- 9<&-
  exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /.agent/node --v8-pool-size=1 /.agent/program/agent.mjs
}

"$STAGE"
