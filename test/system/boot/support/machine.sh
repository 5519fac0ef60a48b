#!/bin/bash
# machine.sh NAME IMAGE: boots the machine NAME, or boots it again, on a layer of its own over the image. Ends
# as the machine ends: 0 powered off, 133 wants to boot again. Runs in the ground's namespaces.
set -euo pipefail
name=$1
image=$2
home=/run/machines/$name

if [[ ! -d $home/root ]]; then
  mkdir -p "$home"/{upper,work,root}
  mount -t overlay overlay -o "lowerdir=/run/images/$image:/,upperdir=$home/upper,workdir=$home/work" "$home/root"
fi
# One control group per machine: they all call their units the same.
for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
  if [[ ! -e $hierarchy/cgroup.procs ]]; then continue; fi
  mkdir -p "$hierarchy/$name"
  echo $$ >"$hierarchy/$name/cgroup.procs"
done
exec systemd-nspawn --quiet --directory="$home/root" --machine="$name" --hostname="$name" --register=no --keep-unit \
  --network-namespace-path="/run/netns/$name" --capability=CAP_NET_ADMIN,CAP_NET_RAW --bind=/dev/net/tun \
  --resolv-conf=off --timezone=off --console=read-only --boot systemd.unit=multi-user.target
