#!/bin/bash
# Boot of a worker: instance metadata -> the worker's own secret -> /etc/nebula -> Nebula with its mesh address. Beside
# that, where the secret asks for it: /etc/rancher/k3s -> k3s, which is requested and not waited for.
# Runs once per start of the machine and may be run again at any time. Ends in /run/carrierarr/boot.done or, with the
# reason, in /run/carrierarr/boot.failed; the state machine reads that verdict (step await-boot). Nothing secret is
# printed, logged or passed as an argument.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
umask 077
export LC_ALL=C

readonly RUN_DIR=/run/carrierarr
readonly LOG_DIR=/var/log/carrierarr
# The secret is bound to the instance only after the launch.
readonly SECRET_LIMIT_SECONDS=${CARRIERARR_SECRET_LIMIT_SECONDS:-120}

source "${BASH_SOURCE%/*}/lib/timeline.sh"
source "${BASH_SOURCE%/*}/lib/imds.sh"
source "${BASH_SOURCE%/*}/lib/secret.sh"
source "${BASH_SOURCE%/*}/lib/private.sh"
source "${BASH_SOURCE%/*}/lib/certificate.sh"
source "${BASH_SOURCE%/*}/lib/identity.sh"
source "${BASH_SOURCE%/*}/lib/agent-token.sh"
source "${BASH_SOURCE%/*}/lib/mesh.sh"
source "${BASH_SOURCE%/*}/lib/k3s.sh"
source "${BASH_SOURCE%/*}/lib/services.sh"

boot_reason=''
boot_complete=no
identity_changed=no

log() {
  local line
  printf -v line '%(%Y-%m-%dT%H:%M:%SZ)T %s' -1 "$*"
  printf '%s\n' "$line" >>"$LOG_DIR/boot.log"
  printf '%s\n' "$line" >&2
}

die() {
  boot_reason=$1
  exit 1
}

# mark NAME
mark() {
  timeline_add "$1"
  log "$1"
}

# verdict NAME TEXT: readers see the whole file or none.
verdict() {
  write_public "$RUN_DIR/$1" "$2"
}

open_books() {
  install -d -m 0700 "$LOG_DIR"
  timeline_open
  rm -f "$RUN_DIR/boot.done" "$RUN_DIR/boot.failed"
  trap close_books EXIT
  timeline_has userspace-start || timeline_add_machine
  mark boot-start
}

close_books() {
  local rc=$?
  trap - EXIT
  if [[ $boot_complete == yes ]]; then exit 0; fi
  mark boot-failed
  verdict boot.failed "${boot_reason:-boot.sh ended with $rc after: $(tail -n 2 "$TIMELINE" | head -n 1)}"
  log "failed: $(<"$RUN_DIR/boot.failed")"
  exit 1
}

install_identity() {
  local fault
  identity_check_directory
  keep_private "$NEBULA_DIR/ca.crt" "$identity_ca"
  keep_private "$NEBULA_DIR/host.crt" "$identity_crt"
  keep_private "$NEBULA_DIR/host.key" "$identity_key"
  keep_private "$NEBULA_DIR/config.yml" "$identity_config"
  identity_changed=$private_changed
  identity_key=''
  identity_check "$NEBULA_DIR/host.crt"
  fault=$(nebula_fault)
  [[ -z $fault ]] || die "$fault"
}

# A Nebula that runs with this identity already is left alone.
start_nebula() {
  local attempt verb=start
  if [[ $identity_changed == yes ]]; then verb=restart; fi
  for attempt in 1 2 3; do
    if systemctl "$verb" nebula.service; then return 0; fi
    log "nebula did not start (attempt $attempt)"
    sleep 1
  done
  die 'nebula does not start: see journalctl --unit nebula.service'
}

main() {
  open_books
  imds_open
  mark metadata-open
  load_settings
  load_worker_name
  load_addresses
  mark settings-known
  fetch_secret "$CARRIERARR_SECRET_PREFIX/nebula-$worker_name" "$SECRET_LIMIT_SECONDS"
  mark secret-fetched
  k3s_load
  agent_token_load
  identity_load
  install_identity
  mark identity-installed
  write_environments
  agent_token_keep
  k3s_begin "$private_ip"
  start_nebula
  mark nebula-started
  mesh_await_address "$identity_ip" 60 || die "$MESH_DEVICE did not get address $identity_ip"
  mark mesh-address-up
  start_mesh_services
  mark boot-done
  verdict boot.done "${EPOCHREALTIME::-3}"
  boot_complete=yes
}

main "$@"
