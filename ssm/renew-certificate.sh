#!/bin/bash
# Puts the renewed certificate of the worker's secret into use, and the token of its agent beside it. Nebula rereads its files on SIGHUP and keeps its old
# certificate when it does not like the new one, so the swap counts only once Nebula has logged the new fingerprint;
# otherwise the files go back to what they were.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/../ami/base/files/usr/local/lib/carrierarr/lib/imds.sh"
source "${BASH_SOURCE%/*}/../ami/base/files/usr/local/lib/carrierarr/lib/secret.sh"
source "${BASH_SOURCE%/*}/../ami/base/files/usr/local/lib/carrierarr/lib/private.sh"
source "${BASH_SOURCE%/*}/../ami/base/files/usr/local/lib/carrierarr/lib/certificate.sh"
source "${BASH_SOURCE%/*}/../ami/base/files/usr/local/lib/carrierarr/lib/identity.sh"
source "${BASH_SOURCE%/*}/../ami/base/files/usr/local/lib/carrierarr/lib/agent-token.sh"
source "${BASH_SOURCE%/*}/../ami/base/files/usr/local/lib/carrierarr/lib/mesh.sh"

readonly SWAPPED=(ca.crt host.crt host.key)
readonly PREVIOUS=$NEBULA_DIR/previous

# The secret may lag a moment behind its last write.
fetch_renewed() {
  local attempt
  for attempt in 1 2 3 4 5; do
    fetch_secret "$CARRIERARR_SECRET_PREFIX/nebula-$worker_name" 10
    agent_token_load
    identity_load
    printf '%s\n' "$identity_crt" >"$step_scratch/host.crt"
    identity_check "$step_scratch/host.crt"
    if [[ $certificate_fingerprint == "$SSM_Fingerprint" ]]; then return 0; fi
    log "secret holds certificate $certificate_fingerprint (attempt $attempt)"
    sleep 2
  done
  die "secret holds certificate $certificate_fingerprint, not the expected $SSM_Fingerprint"
}

# What a run that was cut short has put aside is still the last certificate known to work.
put_aside() {
  local new
  rm -rf "$NEBULA_DIR"/.previous.*
  if [[ ! -d $PREVIOUS ]]; then
    new=$(mktemp -d "$NEBULA_DIR/.previous.XXXXXX")
    if ! { cp -p "${SWAPPED[@]/#/$NEBULA_DIR/}" "$new/" && mv -T "$new" "$PREVIOUS"; }; then
      rm -rf "$new"
      die "the certificate in use cannot be put aside in $PREVIOUS"
    fi
  fi
}

swap() {
  write_private "$NEBULA_DIR/ca.crt" "$identity_ca"
  write_private "$NEBULA_DIR/host.key" "$identity_key"
  write_private "$NEBULA_DIR/host.crt" "$identity_crt"
}

put_back() {
  step_reason=${step_reason:-the swap was cut short}
  if ! cp -p "${SWAPPED[@]/#/$PREVIOUS/}" "$NEBULA_DIR/"; then
    step_reason+="; the previous certificate is still in $PREVIOUS"
    return
  fi
  rm -rf "$PREVIOUS"
  systemctl reload nebula.service || log 'nebula did not take the signal after the files went back'
  step_reason+='; the previous certificate is back in place'
}

journal() {
  journalctl --unit nebula.service --no-pager --output cat "$@"
}

# await_reload CURSOR: Nebula logs the fingerprint of the certificate it has taken.
await_reload() {
  local look
  for ((look = 1; look <= 20; look++)); do
    if [[ $(journal --after-cursor "$1") == *"$SSM_Fingerprint"* ]]; then return 0; fi
    sleep 0.5
  done
  journal --after-cursor "$1" | tail -n 5 | cut -c 1-400
  die "nebula did not take certificate $SSM_Fingerprint"
}

step_begin renew-certificate exclusive
step_require Fingerprint '^[0-9a-f]{64}$'
identity_check_directory
imds_open
load_settings
load_worker_name
[[ $worker_name == "$SSM_Worker" ]] || die "this node is worker $worker_name, not $SSM_Worker"
fetch_renewed
# Both tokens hold for a day yet: this needs no undoing.
agent_token_keep
cursor=$(journal --lines 0 --show-cursor | sed -n 's/^-- cursor: //p')
[[ -n $cursor ]] || die 'nebula has written nothing to the journal: is it running?'
put_aside
step_undo=put_back
swap
fault=$(nebula_fault)
[[ -z $fault ]] || die "$fault"
systemctl reload nebula.service || die 'nebula cannot be signalled'
await_reload "$cursor"
mesh_await_address "$identity_ip" 10 || die "$MESH_DEVICE lost its address $identity_ip"
step_undo=''
rm -rf "$PREVIOUS"
step_put fingerprint "$certificate_fingerprint"
step_put_json notAfter "$certificate_not_after"
