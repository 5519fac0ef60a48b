#!/bin/bash
# What a gpu-worker must have besides. Sourced by 95-validate.sh.
# shellcheck disable=SC2154 # versions.env is read by bake.sh
# shellcheck source=../lib/nvidia.sh
source "$BAKE_DIR/lib/nvidia.sh"

validate_driver() {
  local fault module
  nvidia_choose
  fault=$(nvidia_fault "$(default_kernel)")
  if [[ -n $fault ]]; then fault "$fault"; fi
  for module in nvidia nvidia-uvm; do
    fault=$(module_fault "$(default_kernel)" "$module")
    if [[ -n $fault ]]; then fault "$fault"; fi
  done
  [[ -x $BAKE_ROOT/usr/bin/nvidia-container-runtime ]] ||
    fault '/usr/bin/nvidia-container-runtime is missing: k3s would give no container a GPU'
}

# Gigabytes that would be fetched from the snapshot block by block.
validate_no_models() {
  local place
  for place in var/lib/private/ollama var/lib/ollama usr/share/ollama root/.ollama; do
    if [[ -n $(ls -A "$BAKE_ROOT/$place" 2>/dev/null) ]]; then
      fault "/$place is not empty: models belong on the instance store, not in the image"
    fi
  done
}

validate_image() {
  validate_driver
  validate_no_models
  [[ -x $BAKE_BIN/ollama ]] || fault '/usr/local/bin/ollama is missing'
  [[ -x $BAKE_BIN/k3s ]] || fault '/usr/local/bin/k3s is missing'
}
