#!/bin/bash
# k3s as agent: the program, and what runs on every node: of the images of its release the one that every pod needs, of
# Cilium's its agent. A node is Ready once that runs. k3s itself does not run here, so it leaves no identity.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"
# shellcheck source=../../lib/k3s.sh
source "$BAKE_DIR/lib/k3s.sh"
# shellcheck source=../../lib/cilium.sh
source "$BAKE_DIR/lib/cilium.sh"

readonly NEEDED='^docker\.io/rancher/mirrored-pause:'
readonly ON_EVERY_NODE='/cilium(-envoy)?@'

# What a release brings for servers: an image of the machine is the slower, the more it holds.
drop_images() {
  local all image
  all=$(k3s_ctr images list --quiet)
  grep -q "$NEEDED" <<<"$all" || bake_die "the images of k3s $K3S_VERSION hold none that matches $NEEDED"
  while IFS= read -r image; do
    if [[ $image =~ ^docker\.io/rancher/ && ! $image =~ $NEEDED ]]; then k3s_ctr images remove --sync "$image"; fi
  done <<<"$all"
}

# What a chart asks for only Helm knows; neither stays.
# shellcheck disable=SC2153 # versions.env is read by bake.sh
fetch_chart() {
  bake_fetch HELM "$HELM_VERSION" "https://get.helm.sh/helm-$HELM_VERSION-linux-amd64.tar.gz" \
    "$BAKE_CACHE/helm-$HELM_VERSION.tar.gz"
  bake_fetch CILIUM_CHART "$CILIUM_VERSION" "https://helm.cilium.io/cilium-$CILIUM_VERSION.tgz" \
    "$BAKE_CACHE/cilium-chart-$CILIUM_VERSION.tgz"
  tar --extract --file "$BAKE_CACHE/helm-$HELM_VERSION.tar.gz" --directory "$BAKE_CACHE" --no-same-owner linux-amd64/helm
}

main() {
  local images image
  fetch_chart
  images=$(cilium_images "$BAKE_CACHE/linux-amd64/helm" "$BAKE_CACHE/cilium-chart-$CILIUM_VERSION.tgz")
  images=$(grep -E "$ON_EVERY_NODE" <<<"$images") || bake_die "the chart of Cilium $CILIUM_VERSION names no agent"
  k3s_install
  k3s_open
  k3s_import_images
  drop_images
  while IFS= read -r image; do
    k3s_pull "$image"
  done <<<"$images"
  k3s_close
}

main
