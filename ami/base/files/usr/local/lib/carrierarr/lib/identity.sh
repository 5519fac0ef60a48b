#!/bin/bash
# From the secret's JSON to the files Nebula reads. Needs private.sh, certificate.sh, `log` and `die`.
# shellcheck disable=SC2034,SC2154 # shared with the programs that source this file

readonly NEBULA_DIR=/etc/nebula

readonly IDENTITY_MEMBERS=(nebula_ca_crt nebula_node_crt nebula_node_key nebula_ip nebula_config)

# Takes secret_json apart into identity_ca, identity_crt, identity_key, identity_ip and identity_config.
identity_load() {
  local member parts=()
  # shellcheck disable=SC2016 # $ARGS is jq's
  mapfile -d '' parts < <(printf %s "$secret_json" | jq -j --args \
    'objects | .[$ARGS.positional[]] | (strings // "") + "\u0000"' "${IDENTITY_MEMBERS[@]}" 2>/dev/null)
  secret_json=''
  ((${#parts[@]} == ${#IDENTITY_MEMBERS[@]})) || die "secret of worker $worker_name is not a JSON object"
  for member in "${!parts[@]}"; do
    [[ -n ${parts[member]} ]] || die "secret of worker $worker_name lacks ${IDENTITY_MEMBERS[member]}"
  done
  identity_ca=${parts[0]%$'\n'} identity_crt=${parts[1]%$'\n'} identity_key=${parts[2]%$'\n'}
  identity_ip=${parts[3]} identity_config=${parts[4]%$'\n'}
  [[ $identity_ip =~ ^([0-9]{1,3}\.){3}[0-9]{1,3}$ ]] || die "secret of worker $worker_name: nebula_ip is no address"
  [[ $identity_ca == *'-----BEGIN NEBULA CERTIFICATE-----'* ]] ||
    die "secret of worker $worker_name: nebula_ca_crt is no version 1 certificate"
  [[ $identity_key =~ ^-----BEGIN\ NEBULA\ (X25519|P256)\ PRIVATE\ KEY----- ]] ||
    die "secret of worker $worker_name: nebula_node_key is no private key"
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

# What Nebula itself has against its files, nothing where all is well. It also checks that key and certificate are a
# pair.
nebula_fault() {
  local output
  output=$(nebula -test -config "$NEBULA_DIR/config.yml" 2>&1) ||
    printf 'nebula refuses its files: %s' "$(tail -n 1 <<<"$output" | cut -c 1-400)"
}
