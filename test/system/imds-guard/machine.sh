#!/bin/bash
# Boots this machine's own root, under an overlay, with the guard's and the agent's units from the image, a k3s that only
# sleeps, an agent that only tries, and instance metadata that answers anybody. Prints what examine.sh saw: one line a look. Runs in a mount namespace of its
# own, so that nothing of it stays.
# machine.sh NODE FILES
set -euo pipefail

readonly NODE=$1 FILES=$2 HERE=${BASH_SOURCE%/*}
readonly GUARD=(usr/local/lib/carrierarr/imds-guard.sh usr/local/lib/carrierarr/imds-guard.nft
  etc/systemd/system/carrierarr-imds-guard.service etc/systemd/system/k3s.service.d/10-imds-guard.conf
  etc/systemd/system/kubepods.slice.d/10-imds-guard.conf etc/systemd/system/worker-agent.service)

work=$(mktemp -d)
trap 'umount --lazy "$work"; rmdir "$work"' EXIT
mount -t tmpfs tmpfs "$work"
mkdir -p "$work"/{upper/etc/systemd/system,upper/opt,work,root}
for file in "${GUARD[@]}"; do
  install -D -m "$(stat -c %a "$FILES/$file")" "$FILES/$file" "$work/upper/$file"
done
: >"$work/upper/etc/machine-id"
install -m 0755 "$HERE/examine.sh" "$work/upper/opt/examine.sh"
install -D -m 0755 "$HERE/worker-agent" "$work/upper/usr/local/bin/worker-agent"
install -d "$work/upper/etc/worker-agent"
printf '%s\n' NODE_TYPE=gpu-worker NEBULA_IP=10.100.3.7 >"$work/upper/etc/worker-agent/env"
cp "$HERE"/units/* "$work/upper/etc/systemd/system/"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$work/root"
# Where the host keeps Node.js the machine may have a folder of its own.
: >"$work/upper/opt/node"
# As on Amazon Linux 2023: one hierarchy of control groups, and systemd may load programs for them.
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 timeout --kill-after=5 90 systemd-nspawn --quiet --directory="$work/root" --register=no --keep-unit \
  --private-network --capability=CAP_NET_ADMIN,CAP_BPF,CAP_PERFMON --system-call-filter=bpf --console=read-only \
  --bind-ro="$NODE:/opt/node" --boot systemd.unit=examine.service systemd.setenv=NODE=/opt/node \
  </dev/null >"$work/console" 2>&1 || true
if [[ ! -s $work/upper/opt/seen ]]; then
  tail -n 40 "$work/console" "$work/upper/opt/errors" >&2
  exit 1
fi
cat "$work/upper/opt/seen"
cat "$work/upper/opt/errors" >&2
