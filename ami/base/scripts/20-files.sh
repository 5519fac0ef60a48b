#!/bin/bash
# Units, programs and settings, verbatim, and the units that start by themselves.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"

main() {
  local units
  bake_install_files base
  # Where the identity's memory is mounted.
  install -d -m 0700 "$BAKE_ROOT/etc/nebula"
  mapfile -t units < <(bake_units "$BAKE_DIR/base/units.txt")
  bake_enable "${units[@]}"
}

main
