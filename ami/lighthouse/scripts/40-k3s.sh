#!/bin/bash
# k3s as server: program, images of its release, and the images of Cilium's chart, which name their digests.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"
# shellcheck source=../../lib/k3s.sh
source "$BAKE_DIR/lib/k3s.sh"
# shellcheck source=../../lib/cilium.sh
source "$BAKE_DIR/lib/cilium.sh"

main() {
  local images image chart=$BAKE_ROOT/usr/local/share/carrierarr/charts/cilium-${CILIUM_VERSION:?}
  images=$(cilium_images "$BAKE_BIN/helm" "$chart")
  [[ -n $images ]] || bake_die "$chart names no image"
  k3s_install
  k3s_open
  k3s_import_images
  while IFS= read -r image; do
    k3s_pull "$image"
  done <<<"$images"
  k3s_close
}

main
