#!/bin/bash
# Nebula; its identity comes at boot.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"

main() {
  local archive=$BAKE_CACHE/nebula-$NEBULA_VERSION.tar.gz
  bake_fetch NEBULA "$NEBULA_VERSION" \
    "https://github.com/slackhq/nebula/releases/download/v$NEBULA_VERSION/nebula-linux-amd64.tar.gz" "$archive"
  bake_unpack "$archive" nebula
}

main
