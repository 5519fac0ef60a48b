#!/usr/bin/env bash
# The homelab's node in a pod: registers once with its activation, then becomes the SSM agent.
# A registration lives in the agent's state directory, with the machine-id and the id of the activation it came from. It
# is kept for good; only another activation in the Secret replaces it. The Secret may come late and may go afterwards.
set -euo pipefail
umask 077

readonly STATE=${SSM_STATE_DIRECTORY:-/var/lib/amazon/ssm}
readonly ACTIVATION=${SSM_ACTIVATION_DIRECTORY:-/etc/carrierarr/activation}
readonly POLL_SECONDS=${SSM_ACTIVATION_POLL_SECONDS:-3}
readonly REGISTRATION=$STATE/registration
readonly USED=$STATE/carrierarr-activation

say() {
  printf '%(%Y-%m-%dT%H:%M:%SZ)T %s\n' -1 "$*"
}

# keep FILE: replaces it in one move by standard input. A pod that goes may still run beside the one that comes.
keep() {
  local new
  new=$(mktemp "$1.XXXXXX")
  if cat >"$new" && mv -f "$new" "$1"; then return 0; fi
  rm -f "$new"
  return 1
}

# /etc/machine-id of the image points here: the agent refuses its own registration where it has changed.
keep_machine_id() {
  local file=$STATE/machine-id
  if [[ ! -s $file ]]; then
    tr -d '-' </proc/sys/kernel/random/uuid | keep "$file"
  fi
}

# field NAME: one field of the activation, empty where it is not there.
field() {
  local text=''
  if [[ -r $ACTIVATION/$1 ]]; then read -r text <"$ACTIVATION/$1" || true; fi
  printf '%s' "$text"
}

registered() {
  [[ -s $REGISTRATION ]]
}

has_activation() {
  [[ -n $(field id) && -n $(field code) && -n $(field region) ]]
}

used_activation() {
  if [[ -r $USED ]]; then cat "$USED"; fi
}

remember_activation() {
  field id | keep "$USED"
}

await_activation() {
  if has_activation; then return 0; fi
  say 'not registered, and no activation: waiting for the Secret carrierarr-ssm/ssm-activation (carrierarr homelab activate)'
  until has_activation; do sleep "$POLL_SECONDS"; done
}

register() {
  local id
  id=$(field id)
  say "registering with activation $id"
  # The agent forgets the old registration before it asks for the new one.
  rm -f "$REGISTRATION" "$USED"
  # It takes the code as an argument and in no other way; the code is used up when this returns.
  if ! amazon-ssm-agent -register -y -code "$(field code)" -id "$id" -region "$(field region)"; then
    say "registration failed: activation $id may be used up, expired or deleted; make another: carrierarr homelab activate --replace"
    exit 1
  fi
  remember_activation
  # A pod that moves has another address and another processor; the machine-id is what stays.
  amazon-ssm-agent -fingerprint -similarityThreshold -1
}

ensure_registration() {
  if ! registered; then
    await_activation
    register
  elif [[ -z $(used_activation) ]]; then
    # Registered, and ended before it was written down.
    if has_activation; then remember_activation; fi
  elif has_activation && [[ $(field id) != "$(used_activation)" ]]; then
    say "the Secret holds another activation than $(used_activation)"
    register
  fi
}

mkdir -p "$STATE"
keep_machine_id
ensure_registration
say 'starting the agent'
exec amazon-ssm-agent
