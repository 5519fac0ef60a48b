#!/bin/bash
# Whether the driver is the one that was wanted, for the kernel that the image boots; then the units that start by
# themselves.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"
# shellcheck source=../../lib/nvidia.sh
source "$BAKE_DIR/lib/nvidia.sh"

# dkms makes itself a key to sign modules with. Nobody has enrolled it, so its signature says nothing, and no private key
# is to be in an image.
forget_key() {
  rm -f "$BAKE_ROOT/var/lib/dkms/mok.key" "$BAKE_ROOT/var/lib/dkms/mok.pub"
}

main() {
  local fault units
  nvidia_choose
  fault=$(nvidia_fault "$(uname -r)")
  [[ -z $fault ]] || bake_die "$fault"
  forget_key
  # Where k3s looks for it; without it no container would get a GPU.
  [[ -x $BAKE_ROOT/usr/bin/nvidia-container-runtime ]] || bake_die 'there is no /usr/bin/nvidia-container-runtime'
  mapfile -t units < <(bake_units "$BAKE_DIR/gpu-worker/units.txt")
  bake_enable "${units[@]}"
}

main
