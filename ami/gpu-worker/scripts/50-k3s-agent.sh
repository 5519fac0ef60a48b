#!/bin/bash
# k3s as agent: the program, and of the images of its release the one that every pod needs; the others run on the
# lighthouse. k3s itself does not run here, so it leaves no identity.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"
# shellcheck source=../../lib/k3s.sh
source "$BAKE_DIR/lib/k3s.sh"

readonly NEEDED='^docker\.io/rancher/mirrored-pause:'

# What a release brings for servers: an image of the machine is the slower, the more it holds.
drop_images() {
  local all image
  all=$(k3s_ctr images list --quiet)
  grep -q "$NEEDED" <<<"$all" || bake_die "the images of k3s $K3S_VERSION hold none that matches $NEEDED"
  while IFS= read -r image; do
    if [[ $image =~ ^docker\.io/rancher/ && ! $image =~ $NEEDED ]]; then k3s_ctr images remove --sync "$image"; fi
  done <<<"$all"
}

main() {
  k3s_install
  k3s_open
  k3s_import_images
  drop_images
  k3s_close
}

main
