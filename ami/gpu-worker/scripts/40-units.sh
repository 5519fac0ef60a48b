#!/bin/bash
# Whether the driver is the one that was wanted, for the kernel that the image boots; then the units that start by
# themselves.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"
# shellcheck source=../../lib/nvidia.sh
source "$BAKE_DIR/lib/nvidia.sh"

main() {
  local fault units
  nvidia_choose
  fault=$(nvidia_fault "$(uname -r)")
  [[ -z $fault ]] || bake_die "$fault"
  # Where k3s looks for it; without it no container would get a GPU.
  [[ -x $BAKE_ROOT/usr/bin/nvidia-container-runtime ]] || bake_die 'there is no /usr/bin/nvidia-container-runtime'
  mapfile -t units < <(bake_units "$BAKE_DIR/gpu-worker/units.txt")
  bake_enable "${units[@]}"
}

main
