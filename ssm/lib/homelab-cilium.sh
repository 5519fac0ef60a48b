#!/bin/bash
# Whether this cluster's Cilium lets Liqo live beside it. Needs faults.sh.
# shellcheck disable=SC2016,SC2154 # jq programs; the agent sets SSM_<Parameter>

readonly CILIUM_REMEDY='a rolling restart of Cilium, so at a time of your choosing (docs/homelab.md)'

# Every term must keep Cilium off Liqo's virtual nodes: terms are alternatives.
cilium_affinity() {
  look_json '.spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms // []
    | length > 0 and all(.[]; any(.matchExpressions[]?; .key == "liqo.io/type" and .operator == "DoesNotExist"))'
}

# Reads the settings that matter out of the ConfigMap just looked at; one that is not there is empty.
cilium_settings() {
  {
    read -r devices
    read -r replacement
    read -r masquerade
    read -r legacy
    read -r mtu
  } < <(look_json '.data // {} | .devices, .["kube-proxy-replacement"], .["enable-bpf-masquerade"],
    .["enable-host-legacy-routing"], .mtu | . // "" | gsub("\\s+"; " ")')
}

# cilium_devices_fault DEVICES: says what is wrong with the list of device patterns; nothing where all is well.
cilium_devices_fault() {
  local device chosen=0
  for device in ${1//,/ }; do
    if [[ $device == '!'* ]]; then continue; fi
    chosen=1
    if [[ $device == *+ && liqo.tunnel == "${device%+}"* || $device == liqo* ]]; then
      printf 'the pattern %s takes in the devices of Liqo' "$device"
      return
    fi
  done
  if ((chosen == 0)); then printf 'Cilium picks its devices itself, those of Liqo among them'; fi
}

check_cilium_network() {
  local devices replacement masquerade legacy mtu wrong
  cilium_settings
  wrong=$(cilium_devices_fault "$devices")
  [[ -z $wrong ]] || fault cilium-devices "$wrong" "devices: ${devices:-unset}" \
    "set devices in Cilium's values to the LAN interface, such as [\"en+\"]; $CILIUM_REMEDY; or liqo.networking: false"
  if [[ $replacement =~ ^(true|strict)$ && $masquerade == true && $legacy != true ]]; then
    fault cilium-host-routing 'kube-proxy replacement with BPF masquerade routes past the tunnel of Liqo (liqo#2166)' \
      "enable-host-legacy-routing: $legacy" \
      "set bpf.hostLegacyRouting: true in Cilium's values; $CILIUM_REMEDY; or liqo.networking: false"
  fi
  if [[ $mtu =~ ^[0-9]+$ ]] && ((mtu > 0 && mtu < 1250)); then
    fault cilium-mtu 'pods have too small an MTU for the tunnel' "MTU: $mtu" \
      "set MTU in Cilium's values to 1250 or more; $CILIUM_REMEDY"
  fi
}

check_cilium() {
  look_for cilium daemonset cilium -n kube-system || return 0
  if [[ -z $looked ]]; then
    note cilium 'this cluster has no Cilium; its values are not looked at'
    return 0
  fi
  [[ $(cilium_affinity) == true ]] || fault cilium-affinity 'Cilium would run on virtual nodes and taint them' \
    'no nodeAffinity liqo.io/type DoesNotExist' \
    "set affinity.nodeAffinity in Cilium's values (liqo.io/type DoesNotExist); $CILIUM_REMEDY"
  if [[ $SSM_Networking != true ]]; then
    note cilium 'devices, host routing and MTU are not looked at: liqo.networking is false'
    return 0
  fi
  look_for cilium configmap cilium-config -n kube-system || return 0
  if [[ -z $looked ]]; then
    fault cilium 'Cilium runs without ConfigMap kube-system/cilium-config' '' 'see how this Cilium was installed'
    return 0
  fi
  check_cilium_network
}
