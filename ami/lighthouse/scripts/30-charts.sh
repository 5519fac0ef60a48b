#!/bin/bash
# Charts where the steps look for them, unpacked: no Helm repository is asked when a cluster comes up.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"

readonly CHARTS=$BAKE_ROOT/usr/local/share/carrierarr/charts

# place_chart NAME VERSION ARCHIVE: the archive's folder NAME becomes CHARTS/NAME-VERSION.
place_chart() {
  local target=$CHARTS/$1-$2 new=$CHARTS/.$1-$2
  if [[ -e $target/Chart.yaml ]]; then return 0; fi
  rm -rf "$new"
  install -d -m 0755 "$new"
  tar --extract --file "$3" --directory "$new" --no-same-owner --strip-components 1 "$1"
  [[ -e $new/Chart.yaml ]] || bake_die "$3 holds no chart $1"
  mv "$new" "$target"
}

# shellcheck disable=SC2153 # versions.env is read by bake.sh
main() {
  bake_fetch CILIUM_CHART "$CILIUM_VERSION" "https://helm.cilium.io/cilium-$CILIUM_VERSION.tgz" \
    "$BAKE_CACHE/cilium-chart-$CILIUM_VERSION.tgz"
  place_chart cilium "$CILIUM_VERSION" "$BAKE_CACHE/cilium-chart-$CILIUM_VERSION.tgz"
  bake_fetch LIQO_CHART "$LIQO_VERSION" \
    "https://github.com/liqotech/liqo/releases/download/v$LIQO_VERSION/liqo-v$LIQO_VERSION.tgz" \
    "$BAKE_CACHE/liqo-chart-$LIQO_VERSION.tgz"
  place_chart liqo "$LIQO_VERSION" "$BAKE_CACHE/liqo-chart-$LIQO_VERSION.tgz"
}

main
