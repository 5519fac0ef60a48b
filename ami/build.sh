#!/bin/bash
# build.sh IMAGE [PACKER-ARGUMENT...]: builds the AMI of one image (base, lighthouse, gpu-worker) or of `all` at once.
#     ami/build.sh gpu-worker -var aws_region=us-west-2
#     ami/build.sh all -var-file=recommended.pkrvars.hcl
# The same as `packer init .` and `packer build -only='IMAGE.*' … .` in this folder, after a look at what has to be
# there and with the worker agent as it is now.
set -euo pipefail

readonly PACKER=${PACKER:-packer}

die() {
  printf 'build.sh: %s\n' "$1" >&2
  exit "$2"
}

need() {
  command -v "$1" >/dev/null || die "$1 is not on the PATH: $2" 69
}

# Somebody's own agent, or none, is left as it is.
build_agent() {
  if [[ " $* " == *worker_agent=none* || -e worker-agent/worker-agent ]]; then return 0; fi
  need npm 'the worker agent is built with it; -var worker_agent=none makes an image without'
  npm --prefix .. run --silent build:worker-agent
}

main() {
  local image=${1:-} only=()
  case $image in
    base | lighthouse | gpu-worker) only=("-only=$image.*") ;;
    all) ;;
    *) die "IMAGE is '$image': base, lighthouse, gpu-worker or all" 64 ;;
  esac
  shift
  need "$PACKER" 'install Packer 1.9 or later, or name it in PACKER'
  need session-manager-plugin 'Packer reaches the build instance through Session Manager, which needs the AWS CLI plugin of that name'
  cd "${BASH_SOURCE%/*}"
  build_agent "$@"
  "$PACKER" init .
  "$PACKER" validate "${only[@]}" "$@" .
  "$PACKER" build "${only[@]}" "$@" .
}

main "$@"
