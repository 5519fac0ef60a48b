#!/bin/bash
# What the node's services are told, and the start of those that use the mesh. Needs imds.sh and `log`.
# shellcheck disable=SC2154 # shared with the programs that source this file

readonly OLLAMA_PORT=11434

# Sets private_ip, public_ip (may be empty) and instance_id.
load_addresses() {
  imds_get meta-data/local-ipv4 || die 'the instance has no private address'
  private_ip=$imds_body
  [[ $private_ip =~ ^([0-9]{1,3}\.){3}[0-9]{1,3}$ ]] || die 'instance metadata: local-ipv4 is no address'
  public_ip=''
  if imds_get meta-data/public-ipv4; then public_ip=$imds_body; fi
  instance_id=''
  if imds_get meta-data/instance-id; then instance_id=$imds_body; fi
}

# write_public FILE LINE...: replaces a file in one move, readable by everybody. The name in between is this process's
# own, found without another program: a verdict is written even where nothing else works any more.
write_public() {
  local new=${1%/*}/.${1##*/}.$BASHPID
  if printf '%s\n' "${@:2}" >"$new" && chmod 0644 "$new" && mv -f "$new" "$1"; then return 0; fi
  rm -f "$new"
  return 1
}

# write_environment FILE LINE...: nothing in it is secret.
write_environment() {
  install -d -m 0755 "${1%/*}"
  write_public "$@"
}

# The names of the second file are those the agent and its predecessors on the homelab's images know.
write_environments() {
  write_environment /etc/carrierarr/node.env \
    "CARRIERARR_WORKER=$worker_name" \
    "CARRIERARR_ROLE=$CARRIERARR_ROLE" \
    "NEBULA_IP=$identity_ip" \
    "OLLAMA_HOST=$identity_ip:$OLLAMA_PORT"
  write_environment /etc/worker-agent/env \
    "CONTROL_PLANE_ADDR=$CARRIERARR_CONTROL_PLANE" \
    "NODE_TYPE=$CARRIERARR_ROLE" \
    "NEBULA_IP=$identity_ip" \
    "PRIVATE_IP=$private_ip" \
    "PUBLIC_IP=$public_ip" \
    "INSTANCE_ID=$instance_id" \
    "AWS_REGION=$CARRIERARR_REGION"
}

# They listen on the mesh address or speak through it. Whether they run well is for the steps verify-gpu and
# verify-agent to say: the boot's verdict is about the mesh.
start_mesh_services() {
  local unit units=(worker-agent.service)
  if [[ $CARRIERARR_ROLE == gpu-worker ]]; then units+=(ollama.service); fi
  for unit in "${units[@]}"; do
    systemctl --no-block start "$unit" || log "$unit could not be started"
  done
}
