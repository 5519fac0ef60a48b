#!/bin/bash
# From the secret's k3s members to /etc/rancher/k3s. A secret without them is that of a node without a cluster. Needs
# imds.sh, private.sh, `log`, `die` and `mark`.
# shellcheck disable=SC2154 # shared with the programs that source this file

readonly K3S_DIR=/etc/rancher/k3s
readonly PRIVATE_IP_PLACE=@PRIVATE_IP@

k3s_config='' k3s_token='' k3s_agent_token=''
k3s_changed=no

# Reads the members out of secret_json, which identity_load takes apart and forgets: so before that. What is no JSON
# object is for identity_load to complain about.
k3s_load() {
  local member parts=() all=(k3s_config k3s_token) given='' missing=''
  case $CARRIERARR_ROLE in
    lighthouse) all+=(k3s_agent_token) ;;
    *) all+=(k3s_url) ;;
  esac
  # shellcheck disable=SC2016 # $ARGS is jq's
  mapfile -d '' parts < <(printf %s "$secret_json" | jq -j --args \
    'objects | .[$ARGS.positional[]] | (strings // "") + "\u0000"' "${all[@]}" 2>/dev/null)
  if ((${#parts[@]} != ${#all[@]})); then return 0; fi
  printf -v given '%s' "${parts[@]}"
  if [[ -z $given ]]; then return 0; fi
  for member in "${!all[@]}"; do
    [[ -n ${parts[member]} ]] || missing+=" ${all[member]}"
  done
  [[ -z $missing ]] || die "secret of worker $worker_name has k3s members but lacks$missing"
  k3s_config=${parts[0]%$'\n'} k3s_token=${parts[1]}
  if [[ $CARRIERARR_ROLE == lighthouse ]]; then k3s_agent_token=${parts[2]}; fi
  [[ $k3s_token$k3s_agent_token =~ ^[A-Za-z0-9:.+/=_-]+$ ]] || die "secret of worker $worker_name: a k3s token is malformed"
}

# k3s_configure PRIVATE_IP
k3s_configure() {
  install -d -m 0755 "${K3S_DIR%/*}"
  install -d -m 0700 "$K3S_DIR"
  private_changed=no
  keep_private "$K3S_DIR/token" "$k3s_token"
  if [[ -n $k3s_agent_token ]]; then keep_private "$K3S_DIR/agent-token" "$k3s_agent_token"; fi
  keep_private "$K3S_DIR/config.yaml" "${k3s_config//"$PRIVATE_IP_PLACE"/$1}"
  k3s_changed=$private_changed
  k3s_token='' k3s_agent_token=''
}

# Asks systemd to start k3s and does not wait: an unchanged k3s that runs already is left alone.
k3s_request_start() {
  local unit=k3s-agent.service verb=start
  if [[ $CARRIERARR_ROLE == lighthouse ]]; then unit=k3s.service; fi
  if [[ $k3s_changed == yes ]]; then verb=restart; fi
  systemctl --no-block "$verb" "$unit" || die "$unit cannot be started: is it in the image of a $CARRIERARR_ROLE?"
}

# k3s_begin PRIVATE_IP: all of it, where the secret asks for it.
k3s_begin() {
  [[ -n $k3s_config ]] || return 0
  k3s_configure "$1"
  mark k3s-configured
  k3s_request_start
  mark k3s-start-requested
}
