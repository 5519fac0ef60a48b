#!/bin/bash
# What the node says of itself. Changes nothing and takes no lock, so it answers while another step runs.
# shellcheck source-path=SCRIPTDIR
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/marks.sh"
source "${BASH_SOURCE%/*}/../ami/base/files/usr/local/lib/carrierarr/lib/certificate.sh"
source "${BASH_SOURCE%/*}/../ami/base/files/usr/local/lib/carrierarr/lib/mesh.sh"

readonly CERTIFICATE=/etc/nebula/host.crt

report_services() {
  local unit state services=()
  for unit in carrierarr-boot nebula k3s k3s-agent ollama worker-agent; do
    # Which of them there are is for the role's image to say.
    [[ -e /etc/systemd/system/$unit.service ]] || continue
    state=$(systemctl is-active "$unit.service") || true
    services+=("\"$unit\":\"${state:-unknown}\"")
  done
  step_put_json services "{$(IFS=,; printf '%s' "${services[*]}")}"
}

report_certificate() {
  if [[ ! -r $CERTIFICATE ]] || ! certificate_read "$CERTIFICATE"; then
    step_put_json certificate null
    return 0
  fi
  step_put_json certificate "$(jq -cn \
    --arg name "$certificate_name" \
    --arg address "$certificate_address" \
    --arg fingerprint "$certificate_fingerprint" \
    --argjson notBefore "$certificate_not_before" \
    --argjson notAfter "$certificate_not_after" \
    '{name: $name, address: $address, fingerprint: $fingerprint,
      notBefore: ($notBefore | todate), notAfter: ($notAfter | todate)}')"
}

step_begin node-status shared
read_boot_state
step_put boot "$boot_state"
step_put bootReason "$boot_reason"
step_put_json timeline "$(boot_timeline)"
step_put_json uptimeSeconds "$(cut -d . -f 1 /proc/uptime)"
addresses=$(mesh_addresses)
step_put meshAddress "${addresses%%$'\n'*}"
report_services
report_certificate
