#!/bin/bash
# k3s as server: program, images of its release, and the images of Cilium's chart, which name their digests.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"
# shellcheck source=../../lib/k3s.sh
source "$BAKE_DIR/lib/k3s.sh"

readonly CHART=$BAKE_ROOT/usr/local/share/carrierarr/charts/cilium-${CILIUM_VERSION:?}

# What the chart runs with everything that the configuration may switch on. The kubelet knows an image that is named by
# tag and digest under its digest alone.
cilium_images() {
  "$BAKE_BIN/helm" template cilium "$CHART" --namespace kube-system --set operator.replicas=1 \
    --set hubble.relay.enabled=true --set clustermesh.useAPIServer=true |
    sed -n 's/^ *\(- \)\{0,1\}image: "\{0,1\}\([^" ]*\)"\{0,1\} *$/\2/p' |
    sed 's/:[^:@/]*@/@/' | sort -u
}

main() {
  local images image
  images=$(cilium_images)
  [[ -n $images ]] || bake_die "$CHART names no image"
  k3s_install
  k3s_open
  k3s_import_images
  while IFS= read -r image; do
    k3s_pull "$image"
  done <<<"$images"
  k3s_close
}

main
