#!/bin/bash
# Units and settings of a gpu-worker, verbatim.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"

bake_install_files gpu-worker
