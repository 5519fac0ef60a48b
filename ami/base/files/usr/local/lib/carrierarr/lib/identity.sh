#!/bin/bash
# From the secret's JSON to the files Nebula reads. Needs certificate.sh, `log` and `die`.
# shellcheck disable=SC2034,SC2154 # shared with the programs that source this file

readonly NEBULA_DIR=/etc/nebula

# identity_member NAME: one text of secret_json into identity_value.
identity_member() {
  identity_value=$(jq -er --arg name "$1" '.[$name] | strings | select(. != "")' < <(printf %s "$secret_json")) ||
    die "secret of worker $worker_name lacks $1"
}

# Takes secret_json apart into identity_ca, identity_crt, identity_key, identity_ip and identity_config.
identity_load() {
  jq -e 'type == "object"' < <(printf %s "$secret_json") >/dev/null 2>&1 || die "secret of worker $worker_name is not a JSON object"
  identity_member nebula_ca_crt && identity_ca=$identity_value
  identity_member nebula_node_crt && identity_crt=$identity_value
  identity_member nebula_node_key && identity_key=$identity_value
  identity_member nebula_ip && identity_ip=$identity_value
  identity_member nebula_config && identity_config=$identity_value
  identity_value='' secret_json=''
  [[ $identity_ip =~ ^([0-9]{1,3}\.){3}[0-9]{1,3}$ ]] || die "secret of worker $worker_name: nebula_ip is no address"
  [[ $identity_ca == *'-----BEGIN NEBULA CERTIFICATE-----'* ]] ||
    die "secret of worker $worker_name: nebula_ca_crt is no version 1 certificate"
  [[ $identity_key =~ ^-----BEGIN\ NEBULA\ (X25519|P256)\ PRIVATE\ KEY----- ]] ||
    die "secret of worker $worker_name: nebula_node_key is no private key"
}

# identity_write NAME TEXT: replaces a file in one move, readable by root alone.
identity_write() {
  local new
  new=$(mktemp "$NEBULA_DIR/.$1.XXXXXX")
  printf '%s\n' "$2" >"$new"
  chmod 0600 "$new"
  mv -f "$new" "$NEBULA_DIR/$1"
}

# A private key must not outlive the instance on a disk or in a snapshot of one.
identity_check_directory() {
  [[ -d $NEBULA_DIR && $(stat -f -c %T "$NEBULA_DIR") == tmpfs ]] ||
    die "$NEBULA_DIR is not on a tmpfs: etc-nebula.mount is missing from the image"
}

# identity_check FILE: reads a certificate and refuses one that Nebula would refuse or that is somebody else's.
identity_check() {
  local fault
  certificate_read "$1" || die 'nebula_node_crt is no version 1 certificate'
  [[ $certificate_name == "$worker_name" ]] || die "certificate is for worker $certificate_name, not $worker_name"
  fault=$(certificate_fault "$identity_ip")
  [[ -z $fault ]] || die "$fault"
}

# What Nebula itself has against its files, nothing where all is well. It also checks that key and certificate are a pair.
nebula_fault() {
  local output
  output=$(nebula -test -config "$NEBULA_DIR/config.yml" 2>&1) ||
    printf 'nebula refuses its files: %s' "$(tail -n 1 <<<"$output" | cut -c 1-400)"
}
