#!/bin/bash
# What the steps call: helm, cilium, liqoctl. kubectl is k3s.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"

# shellcheck disable=SC2153 # versions.env is read by bake.sh
main() {
  bake_fetch HELM "$HELM_VERSION" "https://get.helm.sh/helm-$HELM_VERSION-linux-amd64.tar.gz" \
    "$BAKE_CACHE/helm-$HELM_VERSION.tar.gz"
  bake_unpack "$BAKE_CACHE/helm-$HELM_VERSION.tar.gz" linux-amd64/helm
  bake_fetch CILIUM_CLI "$CILIUM_CLI_VERSION" \
    "https://github.com/cilium/cilium-cli/releases/download/$CILIUM_CLI_VERSION/cilium-linux-amd64.tar.gz" \
    "$BAKE_CACHE/cilium-$CILIUM_CLI_VERSION.tar.gz"
  bake_unpack "$BAKE_CACHE/cilium-$CILIUM_CLI_VERSION.tar.gz" cilium
  bake_fetch LIQOCTL "$LIQO_VERSION" \
    "https://github.com/liqotech/liqo/releases/download/v$LIQO_VERSION/liqoctl-linux-amd64.tar.gz" \
    "$BAKE_CACHE/liqoctl-$LIQO_VERSION.tar.gz"
  bake_unpack "$BAKE_CACHE/liqoctl-$LIQO_VERSION.tar.gz" liqoctl
}

main
