#!/bin/bash
# What a lighthouse's image must hold besides base's; 95-validate.sh sources it. Needs bake.sh and validate.sh.
# shellcheck disable=SC2154 # versions.env is read by bake.sh

validate_image() {
  local chart name
  must_say "$K3S_VERSION" "$BAKE_BIN/k3s" --version
  for name in kubectl crictl ctr; do
    [[ $(readlink "$BAKE_BIN/$name") == k3s ]] || fault "/usr/local/bin/$name is not k3s"
  done
  must_say "$HELM_VERSION" "$BAKE_BIN/helm" version --short
  must_say "$CILIUM_CLI_VERSION" "$BAKE_BIN/cilium" version --client
  must_say "v$LIQO_VERSION" "$BAKE_BIN/liqoctl" version --client
  for chart in "cilium-$CILIUM_VERSION" "liqo-$LIQO_VERSION"; do
    [[ -s $BAKE_ROOT/usr/local/share/carrierarr/charts/$chart/Chart.yaml ]] || fault "chart $chart is not on disk"
  done
  [[ -x $BAKE_ROOT/var/lib/rancher/k3s/data/current/bin/containerd ]] ||
    fault 'k3s has not been unpacked: its first start would'
  [[ -d $BAKE_ROOT/var/lib/rancher/k3s/agent/containerd ]] || fault 'no images were imported into containerd of k3s'
}
