#!/bin/bash
# Does to a node what must not reach the machine it runs on. Prints what it managed; ends by killing everything it can.
# Set by the test: CANARY_FILE CANARY_PID CANARY_PORT CANARY_SOCKET LAN_ADDRESSES REPOSITORY
# shellcheck disable=SC2154
set -u
readonly MARK=carrierarr-hostile

say() { printf '%s\n' "$*"; }

# attempt WHAT COMMAND…: says so when it worked.
attempt() {
  local what=$1
  shift
  if timeout 2 "$@" >/dev/null 2>&1; then say "did: $what"; fi
}

write() {
  # shellcheck disable=SC2016
  attempt "write $1" bash -c 'printf "%s\n" "$1" >>"$2"' - "$MARK" "$1"
}

files() {
  local folder
  for folder in /etc /usr /usr/bin /usr/local/bin /opt /var /var/lib /root /home /tmp /run /dev/shm / /boot /srv; do
    write "$folder/$MARK"
  done
  write "$CANARY_FILE"
  write "$REPOSITORY/package.json"
  write "$REPOSITORY/$MARK"
  write /.agent/program/agent.mjs
  write /.agent/node
  write /etc/passwd
  write /etc/hosts
  attempt 'remove canary' rm -f "$CANARY_FILE"
  attempt 'remove repository' rm -f "$REPOSITORY/package.json"
  attempt 'remove passwd' rm -f /etc/passwd
}

# What would do harm if it worked is only looked at.
kernel() {
  local file
  for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/sysrq /proc/sys/vm/drop_caches /proc/sysrq-trigger /sys/kernel/uevent_helper; do
    attempt "open $file" test -w "$file"
  done
  attempt 'set hostname' hostname "$MARK"
  attempt 'set clock' date -s "$(date)"
  attempt 'load module' insmod /tmp/none.ko
  attempt 'disk node' mknod "/tmp/$MARK-disk" b 254 0
  attempt 'read disk' dd "if=/tmp/$MARK-disk" of=/dev/null count=1
  attempt 'other disk' dd if=/dev/vda of=/dev/null count=1
}

mounts() {
  attempt 'mount memory' mount -t tmpfs "$MARK" /mnt
  attempt 'mount over usr' mount -t tmpfs "$MARK" /usr/share/doc
  attempt 'mount disk' mount -t ext4 /dev/vda /mnt
  attempt 'remount agent' mount -o remount,bind,rw /.agent/program
  attempt 'remount node' mount -o remount,bind,rw /.agent/node
  attempt 'unmount agent' umount /.agent/program
  attempt 'unmount usr' umount -l /usr
  attempt 'unmount etc' umount -l /etc
  attempt 'unmount proc' umount -l /proc
  write /proc/1/root/.agent/program/agent.mjs
  write /proc/1/exe
  attempt 'join namespaces' nsenter --target 1 --all true
  attempt 'read the host by its init' cat "/proc/1/root$REPOSITORY/package.json"
  attempt 'mount proc' mount -t proc proc /proc
  write /.agent/program/init.sh
}

network() {
  local address
  for address in 127.0.0.1 $LAN_ADDRESSES; do
    # shellcheck disable=SC2016
    attempt "connect $address" bash -c 'exec 3<>"/dev/tcp/$1/$2"' - "$address" "$CANARY_PORT"
    attempt "ping $address" bash -c "[[ $address != 127.0.0.1 ]] && ping -c 1 -W 1 $address"
  done
  attempt 'connect path' curl --silent --unix-socket "$CANARY_SOCKET" http://canary/
  attempt 'connect abstract' curl --silent --abstract-unix-socket "${CANARY_SOCKET#/}" http://canary/
  attempt 'edge controls' curl --silent --fail "$AWS_ENDPOINT_URL/_edge/faults"
}

processes() {
  local path pid
  for ((pid = 0; pid < 100; pid++)); do setsid sleep 98765 & done
  kill -KILL "$CANARY_PID" 2>/dev/null && say 'did: kill canary'
  for path in /proc/[0-9]*; do
    pid=${path##*/}
    if [[ $pid != "$$" && $pid != "$PPID" ]]; then kill -KILL "$pid" 2>/dev/null; fi
  done
}

say "$(id -un) in $(hostname), $(find /proc -maxdepth 1 -name '[0-9]*' | wc -l) processes"
files
kernel
network
mounts
processes
say 'done'
kill -KILL -1
