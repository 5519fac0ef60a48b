#!/bin/bash
# bake.sh [--list] [--node] IMAGE: makes this machine into an image (base, lighthouse or gpu-worker).
#   --list  prints the scripts, in order, and runs none
#   --node  leaves out 9?-*.sh: this machine stays what it is, a node that installs itself (userdata/plain.sh); only
#           what was downloaded goes
# Base's scripts come first, the image's own next, cleaning and validation last.
set -euo pipefail
shopt -s nullglob

list=no
node=no
while [[ ${1:-} == --* ]]; do
  case $1 in
    --list) list=yes ;;
    --node) node=yes ;;
    *)
      echo "bake.sh: there is no option $1" >&2
      exit 64
      ;;
  esac
  shift
done
IMAGE=${1:-}
if [[ ! $IMAGE =~ ^(base|lighthouse|gpu-worker)$ ]]; then
  echo "bake.sh [--list] [--node] IMAGE: '$IMAGE' is none of base, lighthouse, gpu-worker" >&2
  exit 64
fi
BAKE_DIR=${BAKE_DIR:-$(cd "${BASH_SOURCE%/*}" && pwd)}
export BAKE_DIR IMAGE

list_scripts() {
  local scripts=("$BAKE_DIR"/base/scripts/[1-8]?-*.sh)
  if [[ $IMAGE != base ]]; then scripts+=("$BAKE_DIR/$IMAGE"/scripts/[0-9]?-*.sh); fi
  if [[ $node == no ]]; then scripts+=("$BAKE_DIR"/base/scripts/9?-*.sh); fi
  printf '%s\n' "${scripts[@]#"$BAKE_DIR/"}"
}

if [[ $list == yes ]]; then
  list_scripts
  exit 0
fi
mapfile -t scripts < <(list_scripts)
for script in "${scripts[@]}"; do
  printf '== %s (%ss)\n' "$script" "$SECONDS"
  bash "$BAKE_DIR/$script"
done
if [[ $node == yes ]]; then rm -rf "${BAKE_ROOT:-}/var/cache/carrierarr"; fi
printf '== %s done (%ss)\n' "$IMAGE" "$SECONDS"
