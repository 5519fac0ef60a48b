#!/bin/bash
# Runs before k3s: waits until the address that k3s is to give its node is on an interface. With the private address that
# is so at once; with the mesh address (`nodeNetwork: mesh`) Nebula must have come up, and k3s without it would register
# the node under an address that nobody reaches.
set -euo pipefail
export LC_ALL=C

readonly CONFIG=/etc/rancher/k3s/config.yaml
# Half a second apart: thirty seconds.
readonly LOOKS=60

addresses() {
  ip -4 -o addr show | sed -n 's/.* inet \([0-9.]*\)\/.*/\1/p'
}

give_up() {
  printf 'k3s: %s\n' "$1" >&2
  exit 1
}

node_ip=$(sed -n 's/^node-ip: *"\{0,1\}\([0-9.]*\)"\{0,1\} *$/\1/p' "$CONFIG")
[[ $node_ip =~ ^([0-9]{1,3}\.){3}[0-9]{1,3}$ ]] || give_up "$CONFIG names no node-ip"
for ((look = 1; look <= LOOKS; look++)); do
  # No pipe into grep -q: it leaves early, and the pipe's failure would count.
  if grep -qxF "$node_ip" <<<"$(addresses)"; then exit 0; fi
  sleep 0.5
done
give_up "no interface has node-ip $node_ip after 30 s, only: $(addresses | paste -sd ' '); if it is the mesh address, see journalctl --unit nebula"
