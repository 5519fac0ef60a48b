#!/bin/bash
# On a gpu-worker: it runs its part of the cluster, containers can have its GPU, and Ollama has it, too, and answers the
# mesh and nobody else.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"
source "${BASH_SOURCE%/*}/lib/services.sh"

readonly CONTAINERD=/var/lib/rancher/k3s/agent/etc/containerd/config.toml
readonly OLLAMA_PORT=11434

runtime_known() {
  grep -qs nvidia-container-runtime "$CONTAINERD"
}

# k3s looks for the runtime when it starts and writes what it found.
verify_runtime() {
  if await 60 2 runtime_known; then
    step_put runtime nvidia
    return 0
  fi
  unit_explain k3s-agent
  die "k3s does not know the NVIDIA runtime ($CONTAINERD): was it installed when k3s started? k3s-agent says: $unit_said"
}

verify_driver() {
  local said
  said=$(timeout --kill-after=5 60 nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>&1 | step_plain) ||
    die "nvidia-smi failed: $(tail -n 1 <<<"$said" | cut -c 1-300)"
  [[ -n $said ]] || die 'nvidia-smi sees no GPU'
  log "$said"
  step_put gpu "$(head -n 1 <<<"$said" | cut -c 1-200)"
  step_put_json gpus "$(wc -l <<<"$said")"
}

# ollama_version ADDRESS: what answers there; returns 1 where nothing does.
ollama_version() {
  curl --silent --fail --noproxy '*' --connect-timeout 2 --max-time 5 "http://$1:$OLLAMA_PORT/api/version" |
    step_plain | jq -er '.version | strings'
}

ollama_answers() {
  version=$(ollama_version "$SSM_NebulaIp")
}

verify_ollama() {
  local address version=''
  unit_require ollama 30
  await 60 2 ollama_answers || die "Ollama does not answer at http://$SSM_NebulaIp:$OLLAMA_PORT/api/version"
  step_put ollama "$version"
  while read -r address; do
    if [[ $address != "$SSM_NebulaIp" ]] && ollama_version "$address" >/dev/null; then
      die "Ollama answers at $address too, not on the mesh address alone: see OLLAMA_HOST in /etc/carrierarr/node.env"
    fi
  done < <(ip -4 -o addr show | sed -n 's/.* inet \([0-9.]*\)\/.*/\1/p')
}

# Ollama looks for GPUs when it starts, says in its log what it will compute on, and where it finds none goes on with
# the CPU, which nobody would notice but by its slowness. A log without such a line is an Ollama that says it another
# way.
verify_ollama_gpu() {
  local library
  library=$(journalctl --unit ollama.service --no-pager --output cat 2>/dev/null | step_plain |
    sed -n 's/.*msg="inference compute".* library=\([A-Za-z0-9_]*\).*/\1/p' | tail -n 1) || library=''
  [[ -n $library ]] || return 0
  step_put ollamaComputesOn "${library,,}"
  if [[ ${library,,} == cpu ]]; then
    die 'Ollama found no GPU when it started and computes on the CPU: is nvidia-persistenced active, and the driver not newer or older than its CUDA? See journalctl --unit ollama'
  fi
}

step_begin verify-gpu shared
step_require NebulaIp '^([0-9]{1,3}\.){3}[0-9]{1,3}$'
step_require Gpu '^(required|none)$'
unit_require k3s-agent 60
if [[ $SSM_Gpu == required ]]; then
  verify_runtime
  verify_driver
fi
verify_ollama
if [[ $SSM_Gpu == required ]]; then verify_ollama_gpu; fi
