#!/bin/bash
# The lighthouse's unit and what k3s applies at its start.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"

bake_install_files lighthouse
