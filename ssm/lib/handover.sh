#!/bin/bash
# A credential on its way from one cluster to the other, by a secret that the writer may only write and the reader only
# read. It is never an argument (`ps` shows those), never in a log or a verdict, and on the node only in memory.
# Needs prologue.sh, secret.sh, and handover_identity and load_role_credentials of the side it runs on.
# shellcheck disable=SC2034,SC2154 # shared with the programs that source this file

readonly HANDOVER_STEP_SECONDS=2

handover_dir=''
handover_last=''

# handover_open: makes handover_dir in memory, gone when the step ends. What a run that was killed left goes now.
handover_open() {
  local base
  for base in /run /dev/shm; do
    if [[ -w $base && $(stat -f -c %T "$base" 2>/dev/null) == tmpfs ]]; then
      rm -rf "$base"/carrierarr-handover.*
      handover_dir=$(mktemp -d "$base/carrierarr-handover.XXXXXX")
      step_cleanup=handover_close
      handover_identity
      return 0
    fi
  done
  die 'neither /run nor /dev/shm is in memory: the credential may not touch a disk'
}

handover_close() {
  secret_json='' secret_body=''
  if [[ -n $handover_dir ]]; then rm -rf "$handover_dir"; fi
  handover_dir=''
}

# handover_put ID FILE SECONDS: puts the file's text into the secret. A repeated call with the same token is one write.
handover_put() {
  local token error='' deadline=$((SECONDS + $3)) attempt attempts=$(($3 / HANDOVER_STEP_SECONDS))
  token=$(</proc/sys/kernel/random/uuid)
  for ((attempt = 1; attempt <= attempts && SECONDS < deadline; attempt++)); do
    if load_role_credentials; then
      # shellcheck disable=SC2016 # jq's variables
      secret_call PutSecretValue '{SecretId: $id, ClientRequestToken: $token, SecretString: $text}' \
        --arg id "$1" --arg token "$token" --rawfile text "$2"
      if [[ $secret_status == 200 ]]; then return 0; fi
      error="$secret_status $(secret_error)"
      secret_may_come "${error#* }" || die "secret $1 cannot be written: $error"
    else
      error='no credentials of the role on this node'
    fi
    if ((attempt == 1)); then log "secret $1 not writable yet: $error"; fi
    sleep "$HANDOVER_STEP_SECONDS"
  done
  die "secret $1 was not writable within $3 s: $error"
}

# handover_get ID FILE SECONDS: puts the secret's text into the file.
handover_get() {
  fetch_secret "$1" "$3"
  printf '%s\n' "$secret_json" >"$2"
  secret_json=''
}

# handover_try_get ID FILE SECONDS: as handover_get, but returns 1 instead of ending the step; why stands in
# handover_last.
handover_try_get() {
  local words=$handover_dir/words
  if (
    trap - EXIT
    handover_get "$@"
  ) >"$words" 2>&1; then return 0; fi
  handover_last=$(step_plain <"$words" | sed -n 's/^.* failed: //p' | tail -n 1 | cut -c 1-300)
  log "credential not fetched: $handover_last"
  return 1
}

# kubeconfig_field FILE FILTER: what jq's filter finds in the kubeconfig, secrets left out.
kubeconfig_field() {
  timeout 20 kubectl --kubeconfig "$1" config view -o json 2>/dev/null | step_plain | jq -er "$2" 2>/dev/null
}

# kubeconfig_fault FILE: what speaks against the file as a credential; nothing where it is one.
kubeconfig_fault() {
  kubeconfig_field "$1" '
    if (.clusters | length) != 1 then "it is no kubeconfig with one cluster"
    elif .clusters[0].cluster.server // "" | test("^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?$") | not then
      "its cluster has no usable server address"
    elif (.users | length) != 1 or (.users[0].user | length) == 0 then "it names no user"
    else "" end' || printf 'it is no kubeconfig with one cluster'
}

# kubeconfig_route FILE URL PROXY: makes the kubeconfig go to that server through that proxy, as far as they are given.
kubeconfig_route() {
  local name options=()
  name=$(kubeconfig_field "$1" '.clusters[0].name') || return 1
  if [[ -n $2 ]]; then options+=("--server=$2"); fi
  if [[ -n $3 ]]; then options+=("--proxy-url=$3"); fi
  if ((${#options[@]} > 0)); then
    timeout 20 kubectl --kubeconfig "$1" config set-cluster "$name" "${options[@]}" >/dev/null
  fi
}
