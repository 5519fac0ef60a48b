#!/bin/bash
# The worker is in the mesh: the device carries its address and the lighthouse answers through it.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/../ami/base/files/usr/local/lib/carrierarr/lib/mesh.sh"

readonly IPV4='^([0-9]{1,3}\.){3}[0-9]{1,3}$'
readonly PING_ATTEMPTS=25

milliseconds_since() {
  printf '%d' $((${EPOCHREALTIME/./} / 1000 - $1))
}

# Last words of Nebula into the log, and so into the verdict's tail.
nebula_last_words() {
  journalctl --unit nebula.service --lines 12 --no-pager --output cat || true
}

verify_address() {
  local began=$((${EPOCHREALTIME/./} / 1000))
  if ! mesh_await_address "$SSM_NebulaIp" 30; then
    nebula_last_words
    die "$MESH_DEVICE does not carry $SSM_NebulaIp; it has: $(mesh_addresses | paste -sd ' ')"
  fi
  step_put_json addressMilliseconds "$(milliseconds_since "$began")"
}

verify_lighthouse() {
  local began=$((${EPOCHREALTIME/./} / 1000)) attempt answer
  for ((attempt = 1; attempt <= PING_ATTEMPTS; attempt++)); do
    if answer=$(ping -n -c 1 -W 1 -I "$MESH_DEVICE" "$SSM_LighthouseIp" 2>&1); then
      step_put_json lighthouseMilliseconds "$(milliseconds_since "$began")"
      step_put_json pings "$attempt"
      step_put roundTripMilliseconds "$(sed -n 's/.* time=\([0-9.]*\) ms$/\1/p' <<<"$answer")"
      return 0
    fi
    sleep 1
  done
  log "$answer"
  nebula_last_words
  die "lighthouse $SSM_LighthouseIp did not answer $PING_ATTEMPTS pings through $MESH_DEVICE: is it up, and does it trust our certificate authority?"
}

step_begin verify-nebula exclusive
step_require NebulaIp "$IPV4"
step_require LighthouseIp "$IPV4"
verify_address
verify_lighthouse
