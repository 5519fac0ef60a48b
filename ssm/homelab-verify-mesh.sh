#!/bin/bash
# The other half of verify-nebula: the lighthouse has shaken hands with the worker, and its log says so.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2016,SC2154 # jq programs; the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"
source "${BASH_SOURCE%/*}/lib/homelab.sh"
source "${BASH_SOURCE%/*}/lib/handshakes.sh"

readonly LIMIT_SECONDS=60

# Sets lines and, once there is one, handshake.
look_for_handshake() {
  lines=$(kube_within 30 logs -n "$SSM_LighthouseNamespace" "deploy/$SSM_LighthouseDeployment" --tail=20000 2>"$words" | step_plain) || return 1
  handshake=$(handshakes "$SSM_NebulaIp" <<<"$lines" | tail -n 1)
  [[ -n $handshake ]]
}

# What the lighthouse has against somebody, most likely us.
refusals() {
  grep -iE 'invalid certificate|certificate (is not valid|validation)|could not find ca|expired|blocked' <<<"$lines" | tail -n 2 | cut -c 1-300 | paste -sd ' '
}

verify_handshake() {
  local lines='' handshake='' name words=$step_scratch/lighthouse.words
  if ! await "$LIMIT_SECONDS" 2 look_for_handshake; then
    [[ -n $lines ]] || die "the lighthouse's log cannot be read: $(step_plain <"$words" | tail -n 1 | cut -c 1-300)"
    tail -n 10 <<<"$lines" | cut -c 1-400
    die "the lighthouse's log tells of no handshake with $SSM_NebulaIp; refused: $(refusals)"
  fi
  log "$handshake"
  name=$(jq -r .name <<<"$handshake")
  [[ -z $name || $name == "$SSM_Worker" ]] || die "$SSM_NebulaIp last shook hands as $name, not as $SSM_Worker: two nodes with one address?"
  step_put_json handshake "$handshake"
}

step_begin homelab-verify-mesh shared
step_require LighthouseNamespace '^[a-z][a-z0-9-]{0,62}$'
step_require LighthouseDeployment '^[a-z][a-z0-9-]{0,62}$'
step_require NebulaIp '^([0-9]{1,3}\.){3}[0-9]{1,3}$'
homelab_open
verify_handshake
