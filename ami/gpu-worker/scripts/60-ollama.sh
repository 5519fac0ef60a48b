#!/bin/bash
# Ollama: a release by its tag, or the newest there is. What is fetched must be what the release's own list of checksums
# says, and what versions.env says where it knows that release. No model: those never lie on the root volume.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"
# shellcheck source=../../lib/nvidia.sh
source "$BAKE_DIR/lib/nvidia.sh"

readonly RELEASES=https://github.com/ollama/ollama/releases
readonly LIBRARIES=$BAKE_ROOT/usr/local/lib/ollama
# CUDA 13 needs at least this driver.
readonly CUDA_13_DRIVER=580

ollama_version='' ollama_asset='' ollama_sum=''

# Sets ollama_version; the address of the newest release leads on to the one with its tag.
# shellcheck disable=SC2153 # versions.env is read by bake.sh
choose_version() {
  local address
  ollama_version=${OLLAMA_VERSION#v}
  if [[ $ollama_version == latest ]]; then
    address=$(curl --fail --silent --show-error --head --proto '=https' --tlsv1.2 --connect-timeout 20 --max-time 60 \
      --retry 5 --retry-delay 2 --retry-all-errors --output /dev/null --write-out '%{redirect_url}' "$RELEASES/latest") ||
      bake_die "$RELEASES/latest could not be asked for"
    ollama_version=${address##*/tag/v}
    bake_say "newest Ollama is $ollama_version"
  fi
  [[ $ollama_version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?$ ]] ||
    bake_die "OLLAMA_VERSION is '$OLLAMA_VERSION' and leads to '$ollama_version': latest, or a release such as 0.32.7"
}

# Sets ollama_asset and ollama_sum. Releases have one of the two archives, newer ones the first.
choose_asset() {
  local sums=$BAKE_CACHE/ollama-$ollama_version-sha256sum.txt pinned
  install -d -m 0755 "$BAKE_CACHE"
  bake_download "$RELEASES/download/v$ollama_version/sha256sum.txt" "$sums" ||
    bake_die "Ollama $ollama_version has no $RELEASES/download/v$ollama_version/sha256sum.txt"
  for ollama_asset in ollama-linux-amd64.tar.zst ollama-linux-amd64.tgz ''; do
    [[ -n $ollama_asset ]] || bake_die "the checksums of Ollama $ollama_version name no archive for linux-amd64"
    ollama_sum=$(sed -n "s|^\([0-9a-f]\{64\}\) [ *]\(\./\)\{0,1\}$ollama_asset\$|\1|p" "$sums")
    if [[ -n $ollama_sum ]]; then break; fi
  done
  pinned=$(bake_pin OLLAMA "$ollama_version")
  [[ ${pinned:-$ollama_sum} == "$ollama_sum" ]] ||
    bake_die "Ollama's own list says sha256 $ollama_sum for $ollama_asset of $ollama_version, versions.env says $pinned"
}

# Each is more than a gigabyte, and this driver can load or would choose but one.
drop_libraries() {
  nvidia_choose
  if ((nvidia_major < CUDA_13_DRIVER)); then
    rm -rf "$1/cuda_v13"
  elif [[ -d $1/cuda_v13 ]]; then
    rm -rf "$1/cuda_v12"
  fi
  compgen -G "$1/cuda_v*" >/dev/null || bake_die "Ollama $ollama_version brings no CUDA for driver $nvidia_version"
}

# Programs find their libraries at ../lib/ollama.
install_archive() {
  local new=$BAKE_CACHE/ollama
  rm -rf "$new"
  install -d -m 0755 "$new"
  tar --extract --file "$1" --directory "$new" --no-same-owner
  drop_libraries "$new/lib/ollama"
  rm -rf "$LIBRARIES"
  install -d -m 0755 "${LIBRARIES%/*}"
  mv "$new/lib/ollama" "$LIBRARIES"
  bake_place "$new/bin/ollama" "$BAKE_BIN/ollama" 0755
  rm -rf "$new"
}

is_installed() {
  [[ -x $BAKE_BIN/ollama && -d $LIBRARIES ]] && grep -qw "$ollama_version" <<<"$("$BAKE_BIN/ollama" --version 2>&1)"
}

main() {
  local archive
  choose_version
  choose_asset
  archive=$BAKE_CACHE/ollama-$ollama_version-${ollama_asset#ollama-}
  bake_fetch OLLAMA "$ollama_version" "$RELEASES/download/v$ollama_version/$ollama_asset" "$archive" "$ollama_sum"
  if is_installed; then return 0; fi
  install_archive "$archive"
  is_installed || bake_die "ollama does not say that it is $ollama_version: $("$BAKE_BIN/ollama" --version 2>&1)"
}

main
