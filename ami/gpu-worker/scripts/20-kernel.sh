#!/bin/bash
# What builds kernel modules, of exactly the kernel that runs: with any other the image would boot without its driver.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"
# shellcheck source=../../lib/nvidia.sh
source "$BAKE_DIR/lib/nvidia.sh"

main() {
  local kernel default
  kernel=$(uname -r)
  default=$(grubby --default-kernel)
  [[ ${default##*/vmlinuz-} == "$kernel" ]] ||
    bake_die "kernel $kernel runs, but the image would boot ${default##*/vmlinuz-}: reboot the build machine, or do not update its kernel"
  nvidia_packages "kernel-devel-$kernel" "kernel-headers-$kernel" "kernel-modules-extra-$kernel" \
    "kernel-modules-extra-common-$kernel"
  bake_packages dkms gcc make
  # It would look at every start for modules to build. The kernel is locked: there never are any.
  systemctl disable dkms.service
}

main
