#!/bin/bash
# Reads a Nebula version 1 certificate (protobuf in PEM): shell is what a node is sure to have. It decodes and
# fingerprints; whether the signature is good is for Nebula itself to say.
# shellcheck disable=SC2034 # shared with the programs that source this file

certificate_bytes=()
certificate_at=0
certificate_value=0

# Reads one protobuf varint at certificate_at into certificate_value.
certificate_varint() {
  local shift=0 byte
  certificate_value=0
  while ((certificate_at < ${#certificate_bytes[@]} && shift < 63)); do
    byte=${certificate_bytes[certificate_at++]}
    certificate_value=$((certificate_value | (byte & 127) << shift))
    if ((byte < 128)); then return 0; fi
    shift=$((shift + 7))
  done
  return 1
}

certificate_dotted() {
  printf '%d.%d.%d.%d' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255))
}

# certificate_text FROM LENGTH: those bytes as text.
certificate_text() {
  local text=''
  (($2 == 0)) || printf -v text '\\x%02x' "${certificate_bytes[@]:$1:$2}"
  printf '%b' "$text"
}

# Reads one field of the details.
certificate_field() {
  local tag start
  certificate_varint || return 1
  tag=$certificate_value
  certificate_varint || return 1
  case $tag in
    40) certificate_not_before=$certificate_value ;;
    48) certificate_not_after=$certificate_value ;;
  esac
  if (((tag & 7) != 2)); then
    ((tag & 7)) && return 1
    return 0
  fi
  start=$certificate_at
  local length=$certificate_value
  case $tag in
    10) certificate_name=$(certificate_text "$start" "$length") ;;
    18)
      certificate_varint && certificate_address=$(certificate_dotted "$certificate_value")
      certificate_varint && certificate_mask=$(certificate_dotted "$certificate_value")
      ;;
  esac
  certificate_at=$((start + length))
}

# certificate_read FILE: sets certificate_name, _address, _mask, _not_before, _not_after (epoch seconds) and
# _fingerprint; returns 1 where the file holds no such certificate.
certificate_read() {
  local body end
  certificate_name='' certificate_address='' certificate_mask='' certificate_fingerprint=''
  certificate_not_before=0 certificate_not_after=0
  [[ $(head -n 1 "$1") == '-----BEGIN NEBULA CERTIFICATE-----' ]] || return 1
  body=$(sed -n '2,/^-----END/{/^-----END/q;p}' "$1" | tr -d '\n')
  certificate_fingerprint=$(base64 -d <<<"$body" 2>/dev/null | sha256sum | cut -d ' ' -f 1) || return 1
  read -r -a certificate_bytes <<<"$(base64 -d <<<"$body" 2>/dev/null | od -An -v -tu1 | tr '\n' ' ')"
  certificate_at=0
  [[ ${certificate_bytes[0]:-} == 10 ]] || return 1
  certificate_at=1
  certificate_varint || return 1
  end=$((certificate_at + certificate_value))
  ((end <= ${#certificate_bytes[@]})) || return 1
  while ((certificate_at < end)); do
    certificate_field || return 1
  done
  [[ -n $certificate_name && -n $certificate_address && -n $certificate_mask ]] && ((certificate_not_after > 0))
}

# certificate_fault ADDRESS: says what speaks against using the certificate just read; nothing where all is well.
certificate_fault() {
  local now=$EPOCHSECONDS
  if [[ $certificate_address != "$1" ]]; then
    printf 'certificate is for address %s, not %s' "$certificate_address" "$1"
  elif ((now < certificate_not_before)); then
    printf "certificate is not valid for another %d s: is this machine's clock right?" $((certificate_not_before - now))
  elif ((now >= certificate_not_after)); then
    printf 'certificate ran out %d s ago' $((now - certificate_not_after))
  fi
}
