#!/bin/bash
# The control plane knows the worker by its mesh address, and has heard from it lately. Asked through the API server, so
# the control plane's port need not be open to anybody.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2016,SC2154 # jq programs; the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"
source "${BASH_SOURCE%/*}/lib/homelab.sh"

# Agents register at once and then say something each 30 s.
readonly LIMIT_SECONDS=90
readonly LATELY_SECONDS=120

nodes_path() {
  printf '/api/v1/namespaces/%s/services/%s:%s/proxy/api/v1/nodes' \
    "$SSM_ControlPlaneNamespace" "$SSM_ControlPlaneService" "$SSM_ControlPlanePort"
}

# Sets answer to what speaks against the agent; returns 0 where nothing does.
ask_control_plane() {
  local nodes
  if ! nodes=$(kube get --raw "$(nodes_path)" 2>"$words" | step_plain); then
    answer="the control plane does not answer: $(step_plain <"$words" | tail -n 1 | cut -c 1-300)"
    return 1
  fi
  if ! jq -e 'type == "array" or (.nodes | type) == "array"' <<<"$nodes" >/dev/null 2>&1; then
    answer="the control plane answers with something else: ${nodes:0:200}"
    return 1
  fi
  agent=$(jq -c --arg ip "$SSM_NebulaIp" --argjson lately "$LATELY_SECONDS" '
    def age: (now - (sub("\\.[0-9]+"; "") | sub("\\+00:00$"; "Z") | fromdateiso8601)) | floor;
    (if type == "array" then . else .nodes end)
    | [.[] | select(.nebula_ip == $ip)] | max_by(.last_seen // "")
    | if . == null then {fault: "the control plane knows no agent at \($ip)"} else
      (.last_seen // "" | try age catch null) as $age
      | {id: (.id // .node_id), type, health, lastSeen: .last_seen, fault: (
          if .connected != true then "the agent at \($ip) is not connected, last seen \(.last_seen // "never")"
          elif $age == null or $age > $lately then "the agent at \($ip) was last heard of \($age // "never") s ago"
          else null end)} end' <<<"$nodes")
  answer=$(jq -r '.fault // ""' <<<"$agent")
  [[ -z $answer ]]
}

last_words() {
  kube logs -n "$SSM_ControlPlaneNamespace" "deploy/$SSM_ControlPlaneService" --tail=12 2>&1 | step_plain | cut -c 1-300 || true
}

verify_registration() {
  local answer='' agent='{}' words=$step_scratch/control-plane.words
  if ! await "$LIMIT_SECONDS" 3 ask_control_plane; then
    log "last words of the control plane:"
    last_words
    die "$answer"
  fi
  step_put_json agent "$(jq -c 'del(.fault)' <<<"$agent")"
}

step_begin homelab-verify-agent shared
step_require ControlPlaneNamespace '^[a-z][a-z0-9-]{0,62}$'
step_require ControlPlaneService '^[a-z][a-z0-9-]{0,62}$'
step_require ControlPlanePort '^[0-9]{1,6}$'
step_require NebulaIp '^([0-9]{1,3}\.){3}[0-9]{1,3}$'
homelab_open
verify_registration
