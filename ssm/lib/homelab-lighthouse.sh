#!/bin/bash
# Whether the lighthouse of Nebula lets the workers in that it must, and trusts who signs them. Needs faults.sh, yaml.sh.
# shellcheck disable=SC2016,SC2154 # jq programs; the agent sets SSM_<Parameter>

# Whether a rule of Nebula's firewall admits a worker's TCP: port AND proto AND certificate authority AND (host OR group
# OR all of groups OR cidr), as Nebula evaluates them.
readonly ADMITS='
  def address: split(".") | reduce .[] as $octet (0; . * 256 + ($octet | tonumber));
  def holds($ip): (split("/") | [(.[0] | address), pow(2; 32 - ((.[1] // "32") | tonumber))]) as [$net, $size]
    | ($net / $size | floor) == (($ip | address) / $size | floor);
  def list: if type == "array" then map(tostring) elif . == null then [] else [tostring] end;
  def port_open($port): tostring | if . == "any" or . == "0" then true
    elif test("^[0-9]+-[0-9]+$") then (split("-") | map(tonumber)) as [$from, $to] | $from <= $port and $port <= $to
    else . == ($port | tostring) end;
  def admits($port; $ip; $ca): (.port // .code // "" | port_open($port))
    and (.proto // "" | . == "any" or . == "tcp")
    and (.ca_sha == null or .ca_sha == $ca)
    and (.host == "any"
      or ((.group | list) + (.groups | list) | length > 0 and all(.[]; . == "workers" or . == "aws" or . == "any"))
      or (.cidr != null and (.cidr == "any" or (.cidr | test("^[0-9.]+/[0-9]+$") and holds($ip)))));
'

# lighthouse_admits CONFIG PORT
lighthouse_admits() {
  jq -e --argjson port "$2" --arg ip "$SSM_WorkerIp" --arg ca "$SSM_CaFingerprint" \
    "$ADMITS any(.firewall.inbound[]?; admits(\$port; \$ip; \$ca))" <<<"$1" >/dev/null
}

check_lighthouse_rules() {
  local config=$1 port where="ConfigMap $SSM_LighthouseNamespace/$SSM_LighthouseConfigMap"
  lighthouse_admits "$config" 50051 || fault lighthouse-50051 'the lighthouse drops the reports of worker agents' \
    'no inbound rule lets group workers reach tcp 50051' \
    "add {port: 50051, proto: tcp, group: workers} to firewall.inbound in $where and restart the lighthouse"
  if [[ $SSM_Provides == true ]] && ! lighthouse_admits "$config" 6443; then
    fault lighthouse-6443 'workers cannot reach the API server of this cluster' \
      'no inbound rule lets group workers reach tcp 6443' \
      "add {port: 6443, proto: tcp, group: workers} to firewall.inbound in $where and restart the lighthouse"
  fi
  for port in 22 6443; do
    if [[ $port$SSM_Provides != 6443true ]] && lighthouse_admits "$config" "$port"; then
      note lighthouse "workers may open tcp $port here, which nothing of Carrierarr needs: drop that rule from $where"
    fi
  done
  jq -e '.lighthouse.local_allow_list.interfaces | type == "object"' <<<"$config" >/dev/null ||
    note lighthouse "no lighthouse.local_allow_list.interfaces in $where: addresses of pods are advertised to the mesh"
}

# lighthouse_ca_source PATH: where the Deployment just looked at mounts that file from: kind, name and key.
lighthouse_ca_source() {
  look_json '.spec.template.spec as $pod
    | [$pod.containers[].volumeMounts[]? | . + {at: (.mountPath | rtrimstr("/"))}
      | select(.at as $at | if .subPath then $at == $path else $path | startswith($at + "/") end)]
    | max_by(.at | length) | select(. != null)
    | .name as $name | (.subPath // .at as $at | $path[($at | length) + 1:]) as $file
    | $pod.volumes[] | select(.name == $name)
    | if .configMap then ["configmap", .configMap.name, .configMap.items]
      elif .secret then ["secret", .secret.secretName, .secret.items] else empty end
    | "\(.[0]) \(.[1]) \(first(.[2][]? | select(.path == $file) | .key) // $file)"' --arg path "$1"
}

# Reads PEM and prints the SHA-256 fingerprint of each version 1 certificate in it.
certificate_fingerprints() {
  local body
  tr -d ' \t\r' | awk '
    /^-----BEGINNEBULACERTIFICATE-----$/ { inside = 1; body = ""; next }
    /^-----END/ { if (inside) print body; inside = 0; next }
    inside { body = body $0 }' | while read -r body; do
    base64 -d <<<"$body" 2>/dev/null | sha256sum | cut -d ' ' -f 1
  done
}

# Sets ca_bundle from the file that pki.ca names; returns 1 where it cannot be looked at.
read_ca_file() {
  local kind name key
  look_for lighthouse deployment "$SSM_LighthouseDeployment" -n "$SSM_LighthouseNamespace" || return 1
  if [[ -z $looked ]]; then
    fault lighthouse 'there is no lighthouse' "no Deployment $SSM_LighthouseNamespace/$SSM_LighthouseDeployment" \
      'start it, or name it in the configuration (homelab.lighthouse)'
    return 1
  fi
  read -r kind name key <<<"$(lighthouse_ca_source "$1")"
  if [[ -z $kind ]]; then
    note lighthouse-trust "unchecked: $1 comes from neither a ConfigMap nor a Secret"
    return 1
  fi
  if ! look get "$kind" "$name" -n "$SSM_LighthouseNamespace" -o json; then
    note lighthouse-trust "unchecked: $kind $name may not be read ($look_error)"
    return 1
  fi
  ca_bundle=$(look_json '(.data[$key] // "") | if $kind == "secret" then @base64d else . end' --arg key "$key" --arg kind "$kind")
}

check_lighthouse_trust() {
  local ca ca_bundle='' trusted
  ca=$(jq -r '.pki.ca // ""' <<<"$1")
  if [[ $ca == *'BEGIN NEBULA'* ]]; then ca_bundle=$ca; else read_ca_file "$ca" || return 0; fi
  trusted=$(certificate_fingerprints <<<"$ca_bundle" | paste -sd ' ')
  [[ " $trusted " == *" $SSM_CaFingerprint "* ]] || fault lighthouse-trust "the lighthouse does not trust the fleet's CA" \
    "pki.ca trusts ${trusted:-nobody}" \
    "append the fleet's CA certificate ($SSM_CaFingerprint; carrierarr doctor prints it) to pki.ca and restart the lighthouse"
}

check_lighthouse() {
  local config
  look_for lighthouse configmap "$SSM_LighthouseConfigMap" -n "$SSM_LighthouseNamespace" || return 0
  if [[ -z $looked ]]; then
    fault lighthouse 'there is no configuration of a lighthouse' \
      "no ConfigMap $SSM_LighthouseNamespace/$SSM_LighthouseConfigMap" 'name it in the configuration (homelab.lighthouse)'
    return 0
  fi
  config=$(look_json '[.data // {} | to_entries[] | select(.key | test("\\.ya?ml$"))]
    | (map(select(.key | startswith("config."))) + .)[0].value // ""')
  if ! config=$(yaml_to_json <<<"$config") || [[ $config != '{'* ]]; then
    fault lighthouse "the lighthouse's configuration cannot be read" "ConfigMap $SSM_LighthouseConfigMap: no YAML" \
      'Nebula would not start with it either: correct it'
    return 0
  fi
  check_lighthouse_rules "$config"
  check_lighthouse_trust "$config"
}
