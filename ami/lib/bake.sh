#!/bin/bash
# Common part of every image script. A script runs as root with
#     BAKE_DIR   the tree: base lighthouse gpu-worker lib versions.env bake.sh (and worker-agent/, where it was built)
#     IMAGE      base, lighthouse or gpu-worker
# and begins with
#     source "${BAKE_DIR:?}/lib/bake.sh"
# BAKE_ROOT is the root of the image's files: empty on the machine that becomes the image, a mount point or a folder
# where somebody looks at an image from outside. Scripts name every file of the image as "$BAKE_ROOT/…".
# Scripts may run again at any time: what is in place already stays as it is.
# shellcheck disable=SC2034 # shared with the scripts that source this file
set -euo pipefail
umask 022
# Neither cloud-init nor Systems Manager's agent, which carries out Image Builder's components, has a HOME, and programs
# such as Ollama's end at once where there is none.
export LC_ALL=C HOME=${HOME:-/root}

readonly BAKE_ROOT=${BAKE_ROOT:-}
readonly BAKE_BIN=$BAKE_ROOT/usr/local/bin
readonly BAKE_MANIFEST=$BAKE_ROOT/etc/carrierarr/image.json
# Archives between download and installation; the clean-up removes it.
readonly BAKE_CACHE=$BAKE_ROOT/var/cache/carrierarr
# What k3s, Cilium, Liqo and Nebula load.
readonly BAKE_MODULES=(overlay br_netfilter tun wireguard vxlan geneve)
# Versions that whoever builds may choose; for everything else versions.env has the only word.
readonly BAKE_CHOICES=(
  NEBULA_VERSION K3S_VERSION CILIUM_VERSION LIQO_VERSION NVIDIA_DRIVER_VERSION NVIDIA_KMOD OLLAMA_VERSION
)

bake_say() {
  printf '%s: %s\n' "${0##*/}" "$*"
}

# bake_die REASON [RC]
bake_die() {
  printf '%s: failed: %s\n' "${0##*/}" "$1" >&2
  exit "${2:-1}"
}

# Reads versions.env: lines NAME=value, nothing is evaluated.
bake_read_versions() {
  local name value chosen=''
  for name in "${BAKE_CHOICES[@]}"; do
    if [[ -n ${!name:-} ]]; then chosen+=" $name "; fi
  done
  while IFS='=' read -r name value; do
    if [[ $name =~ ^[A-Z][A-Za-z0-9_]*$ && $chosen != *" $name "* ]]; then printf -v "$name" '%s' "$value"; fi
  done <"${BAKE_DIR:?}/versions.env"
}

# bake_pin PRODUCT VERSION: prints the checksum that versions.env has for it; nothing where it has none.
bake_pin() {
  local name=${1}_SHA256_${2//[^A-Za-z0-9]/_}
  printf '%s' "${!name:-}"
}

# Refuses to begin where a checksum is missing, and names all that are: later each would cost a build of its own.
bake_check_downloads() {
  local folder product chosen missing=()
  for folder in base "$IMAGE"; do
    while read -r product chosen; do
      if [[ -z $product || $product == '#'* ]]; then continue; fi
      if [[ -z $(bake_pin "$product" "${!chosen}") ]]; then missing+=("$product ${!chosen}"); fi
    done <"$BAKE_DIR/$folder/downloads.txt"
    if [[ $IMAGE == base ]]; then break; fi
  done
  ((${#missing[@]} == 0)) ||
    bake_die "versions.env has no checksum of ${#missing[@]} downloads: \`npm run ami:pin -- ${missing[*]}\` fetches them, look at them and commit"
}

# bake_is FILE SHA256
bake_is() {
  [[ -f $1 ]] && sha256sum --check --status <<<"$2  $1"
}

# bake_download URL TARGET: bounded, over TLS only.
bake_download() {
  curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 --connect-timeout 20 --max-time 1800 \
    --retry 5 --retry-delay 2 --retry-all-errors --output "$2" "$1"
}

# bake_fetch PRODUCT VERSION URL TARGET [SHA256]: the file, only if it is what versions.env says it is. A checksum given
# is one that was read from its publisher at build time, for a version that nobody could pin.
bake_fetch() {
  local product=$1 version=$2 url=$3 target=$4 wanted=${5:-} got
  wanted=${wanted:-$(bake_pin "$product" "$version")}
  [[ $wanted =~ ^[0-9a-f]{64}$ ]] ||
    bake_die "$product $version has no checksum in versions.env: verify $url once, then \`npm run ami:pin -- $product $version\` writes it"
  if ! bake_is "$target" "$wanted"; then
    install -d -m 0755 "${target%/*}"
    bake_say "fetching $product $version from $url"
    bake_download "$url" "$target.part" || bake_die "$url could not be fetched"
    if ! bake_is "$target.part" "$wanted"; then
      got=$(sha256sum "$target.part")
      rm -f "$target.part"
      bake_die "$url has sha256 ${got%% *}, versions.env says $wanted: it is not the file that was verified"
    fi
    mv -f "$target.part" "$target"
  fi
  bake_record "$product" "$version" "$wanted"
}

# bake_record PRODUCT VERSION [SHA256]: into the image's manifest.
bake_record() {
  local product=${1,,} now=''
  if [[ -s $BAKE_MANIFEST ]]; then now=$(<"$BAKE_MANIFEST"); fi
  jq --sort-keys --arg image "$IMAGE" --arg product "${product//_/-}" --arg version "$2" --arg sha256 "${3:-}" '
    .image = $image
    | .versions[$product] = ({version: $version} + if $sha256 == "" then {} else {sha256: $sha256} end)
  ' <<<"${now:-"{}"}" | bake_write "$BAKE_MANIFEST"
}

# bake_write FILE [MODE]: standard input becomes the file, in one move and only where it is another one.
bake_write() {
  install -d -m 0755 "${1%/*}"
  cat >"$1.new"
  if cmp -s "$1.new" "$1"; then
    rm -f "$1.new"
  else
    chmod "${2:-0644}" "$1.new"
    mv -f "$1.new" "$1"
  fi
}

# bake_place FILE TARGET MODE: copies one file where it is missing or another one.
bake_place() {
  if cmp -s "$1" "$2" && [[ $(stat -c %a "$2") == "${3#0}" ]]; then return 0; fi
  install -D -m "$3" "$1" "$2"
}

# bake_unpack ARCHIVE MEMBER...: programs of an archive into BAKE_BIN; a member may lie in a folder of the archive.
bake_unpack() {
  local archive=$1 member folder
  shift
  folder=$(mktemp -d "$BAKE_CACHE/unpack.XXXXXX")
  tar --extract --file "$archive" --directory "$folder" --no-same-owner "$@"
  for member in "$@"; do
    bake_place "$folder/$member" "$BAKE_BIN/${member##*/}" 0755
  done
  rm -rf "$folder"
}

# bake_dnf ARGUMENT...: the releasever that the image is locked to decides what there is; no --releasever here.
bake_dnf() {
  dnf --assumeyes --quiet --setopt=install_weak_deps=False --setopt=retries=5 --setopt=timeout=30 "$@"
}

# bake_packages CAPABILITY...: installs what is missing, and nothing is updated.
bake_packages() {
  local each missing=()
  for each in "$@"; do
    rpm --query --whatprovides "$each" >/dev/null 2>&1 || missing+=("$each")
  done
  ((${#missing[@]} > 0)) || return 0
  bake_say "installing ${missing[*]}"
  bake_dnf install "${missing[@]}"
}

# bake_install_files IMAGE: IMAGE/files, verbatim; what may be run there may be run here.
bake_install_files() {
  local files=$BAKE_DIR/$1/files file mode
  [[ -d $files ]] || bake_die "$files is missing from the tree"
  while IFS= read -r -d '' file; do
    mode=0644
    if [[ -x $file ]]; then mode=0755; fi
    bake_place "$file" "$BAKE_ROOT${file#"$files"}" "$mode"
  done < <(find "$files" -type f -print0 | sort -z)
}

# bake_units FILE: the units that a list names, one a line, comments aside.
bake_units() {
  sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$1"
}

# bake_enable UNIT...
bake_enable() {
  systemctl enable "$@"
}

bake_begin() {
  [[ ${IMAGE:-} =~ ^(base|lighthouse|gpu-worker)$ ]] ||
    bake_die "IMAGE is '${IMAGE:-}': base, lighthouse or gpu-worker" 64
  bake_read_versions
}

bake_begin
