#!/bin/bash
# Takes away amazon-ec2-net-utils, which makes systemd-networkd reload and drop the rules of Cilium and Liqo. It brings
# the file that gives the machine its address, too: 80-ec2.network of our own must be in place before it goes.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"

readonly NETWORK=$BAKE_ROOT/etc/systemd/network/80-ec2.network

main() {
  [[ -s $NETWORK ]] || bake_die "$NETWORK is missing: without amazon-ec2-net-utils the machine would get no address"
  if rpm --query amazon-ec2-net-utils >/dev/null; then
    # What it brought as a dependency, systemd-networkd first of all, stays.
    bake_dnf --noautoremove remove amazon-ec2-net-utils
  fi
  bake_enable systemd-networkd.service
}

main
