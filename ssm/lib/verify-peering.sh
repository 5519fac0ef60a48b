#!/bin/bash
# Does the peering carry anything? What Liqo says of itself comes from the control plane and from small pings, which
# pass where a full packet does not; so a Job on the other side, and one here, move 1 MiB both ways and one datagram of
# the size the tunnel promises. Needs prologue.sh, cluster.sh, liqo.sh, probes.sh.
# shellcheck disable=SC2034,SC2154 # shared with the prologue; the agent sets SSM_<Parameter>

readonly MTU_REMEDY='packets of full size do not pass: peer again with a smaller liqo.mtu (1140 is right nearly everywhere)'
readonly PATH_REMEDY='no packet passes: look at UDP port 32380 in the security group, and at Cilium (docs/homelab.md)'

verify_checks=()
verify_offloaded=false

now_milliseconds() {
  printf '%d' $((${EPOCHREALTIME/./} / 1000))
}

# check NAME OK MILLISECONDS [DETAIL REMEDY]
check() {
  local detail=${4:-} remedy=${5:-}
  log "check $1: ok=$2 $detail"
  verify_checks+=("$1" "$2" "$3" "${detail:0:300}" "${remedy:0:300}")
}

# tried NAME BEGAN FAULT REMEDY: a check that failed where there is a fault.
tried() {
  check "$1" "$([[ -z $3 ]] && printf true || printf false)" $(($(now_milliseconds) - $2)) "$3" "$4"
}

verify_health() {
  local began fault=''
  began=$(now_milliseconds)
  await 20 2 liqo_peer_health "$SSM_ProviderClusterId" "$SSM_Networking" || fault=$(liqo_faults_line)
  tried peering-healthy "$began" "$fault" 'carrierarr logs NAME shows the step of the peering; liqoctl info peer tells more'
}

verify_tunnel() {
  local began state
  began=$(now_milliseconds)
  state=$(kube_json connections.networking.liqo.io -n "$verify_tenant" --ignore-not-found |
    jq -r '[.items[]?.status.value // "None"] | join(", ")') || state=unknown
  [[ $state != Connected ]] || state=''
  [[ -z $state && -n $verify_tenant ]] || state="the tunnel is ${state:-not there}"
  tried tunnel-connected "$began" "$state" "$PATH_REMEDY"
}

# The first virtual node in four lines: its name, whether it is ready, what it has, what it lacks.
read_node() {
  kube_json nodes -l "liqo.io/remote-cluster-id=$SSM_ProviderClusterId,liqo.io/type=virtual-node" | jq -r --arg wanted "$SSM_Resources" '
    def units: {"": 1, m: 0.001, k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 1024, Mi: 1048576, Gi: 1073741824, Ti: 1099511627776};
    def quantity: capture("^(?<n>[0-9.]+)(?<u>[A-Za-z]*)$") | (.n | tonumber) * (units[.u] // 1);
    .items[0] // empty | (.status.allocatable // {}) as $has
    | .metadata.name, any(.status.conditions[]?; .type == "Ready" and .status == "True"), ($has | tojson),
      ([$wanted | split(",")[] | select(. != "") | split("=") | .[0] as $name | .[1] as $want
        | ($has[$name] // "0") as $got | select(($got | quantity) < ($want | quantity)) | "\($name) is \($got), not \($want)"]
        | join(";"))'
}

verify_node() {
  local began node=()
  began=$(now_milliseconds)
  mapfile -t node < <(read_node)
  if ((${#node[@]} == 0)); then
    tried virtual-node "$began" "there is no virtual node of $SSM_ProviderClusterId" 'peer again; no resources were granted'
    return 1
  fi
  step_put virtualNode "${node[0]}"
  step_put_json capacity "${node[2]}"
  if [[ ${node[1]} != true ]]; then
    tried virtual-node "$began" "${node[0]} is not Ready" 'its virtual-kubelet does not reach the other API server: look at the mesh door'
    return 1
  fi
  tried virtual-node "$began" '' ''
  tried capacity "$began" "${node[3]}" 'no worker of the other cluster has it; provision a gpu-worker, or ask for less (liqo.resources)'
}

# The other API server through the door, as the peering itself goes.
verify_api() {
  local began fault='' file=$step_scratch/identity.kubeconfig name=api-livez
  [[ -n $SSM_ProviderUrl ]] || return 0
  if [[ -n $SSM_ProxyUrl ]]; then name=door-livez; fi
  began=$(now_milliseconds)
  kube_json secrets -n "$verify_tenant" -l liqo.io/identity-type=ControlPlane |
    jq -r '.items[0].data.kubeconfig // "" | @base64d' >"$file" || true
  if [[ ! -s $file ]]; then
    fault="no identity of this peering in namespace ${verify_tenant:-none}"
  elif ! kube_within 15 --kubeconfig "$file" --request-timeout=10s get --raw /livez >/dev/null 2>"$file.words"; then
    fault=$(step_plain <"$file.words" | tail -n 1)
  fi
  rm -f "$file" "$file.words"
  tried "$name" "$began" "$fault" "look at the mesh door and at Nebula: $SSM_ProviderUrl must answer through ${SSM_ProxyUrl:-nothing}"
}

# An earlier run that was killed may have left its pods behind.
verify_clear() {
  kube get namespace "$PROBE_NAMESPACE" -o name >/dev/null 2>&1 || kube create namespace "$PROBE_NAMESPACE"
  if probe_gone; then return 0; fi
  log 'an earlier run left probes behind'
  probe_delete 20
  await 30 2 probe_gone || die "what an earlier run left in namespace $PROBE_NAMESPACE does not go: $(kube get pods,jobs -n "$PROBE_NAMESPACE" -o name | step_plain | paste -sd ' ')"
}

# Runs at the end, whatever ended the step.
verify_cleanup() {
  trap - ERR
  if [[ $verify_offloaded == true ]]; then
    probe_delete 10 || true
    liqo 30 unoffload namespace "$PROBE_NAMESPACE" --skip-confirm || log "namespace $PROBE_NAMESPACE is still offloaded"
  fi
}

verify_offload() {
  local began fault=''
  began=$(now_milliseconds)
  verify_offloaded=true
  liqo 45 offload namespace "$PROBE_NAMESPACE" --pod-offloading-strategy LocalAndRemote \
    --namespace-mapping-strategy EnforceSameName --skip-confirm || fault=$(liqo_last_words)
  [[ -z $fault ]] || fault="namespace $PROBE_NAMESPACE cannot be offloaded: $fault"
  tried offload-namespace "$began" "$fault" 'liqoctl info peer; a namespace of that name on the other side is in the way of EnforceSameName'
  [[ -z $fault ]]
}

# await_probe NAME KIND SECONDS: a pod of that probe is ready, or ended; else explains why not.
await_probe() {
  local began
  began=$(now_milliseconds)
  if await "$3" 1 "probe_$2" "$1"; then return 0; fi
  explain_pods -n "$PROBE_NAMESPACE" -l "carrierarr.io/probe=$1"
  tried "$1" "$began" "${cluster_why:-it did not run}" 'read what its pod waits for: the image registry and room on the node are the usual causes'
  return 1
}

# report_probe CONNECT DOWNLOAD UPLOAD DATAGRAM: the parts of the message as checks of these names.
report_probe() {
  local part name ok ms detail remedy
  while IFS=$'\t' read -r part name ok ms detail; do
    remedy=$MTU_REMEDY
    if [[ $part == connect ]]; then remedy=$PATH_REMEDY; fi
    check "$name" "$ok" "$ms" "$detail" "$remedy"
  done < <(jq -r '. as $said | ["connect", "download", "upload", "datagram"] as $parts | range(4)
    | $parts[.] as $key | $ARGS.positional[.] as $name | (($said[$key] | objects) // null) as $part
    | [$key, $name, $part.ok == true, ($part.ms | numbers) // 0, (if $part.ok == true then ""
      elif $said.broken then "the probe said: \($said.broken)"
      elif $part == null then "not tried: no packet passed before"
      elif $key == "connect" and $said.dns == false then "the name of the Service is unknown there"
      elif $key == "connect" then "no answer to a small request"
      elif $key == "datagram" then "no datagram of that size came back"
      else "stalled or damaged after \($part.bytes) bytes" end)] | @tsv' --args "$@" <<<"$probe_message")
}

verify_traffic() {
  local datagram=$((10#$SSM_Mtu - 28)) here=$verify_here there=$verify_there address
  {
    probe_object Pod here peering-here "$SSM_ProviderClusterId" "$PROBE_SERVER"
    probe_service
    probe_object Pod there peering-there "$SSM_ProviderClusterId" "$PROBE_SERVER"
  } | probe_apply
  await_probe peering-here ready 60 || return 0
  await_probe peering-there ready 60 || return 0
  address=$probe_address
  {
    probe_object Job there peering-forward "$SSM_ProviderClusterId" "$PROBE_CLIENT" echo "$datagram"
    probe_object Job here peering-reverse "$SSM_ProviderClusterId" "$PROBE_CLIENT" "$address" "$datagram"
  } | probe_apply
  if await_probe peering-forward ended 90; then
    report_probe "$there-reaches-$here" "$here-to-$there-1MiB" "$there-to-$here-1MiB" "datagram-$SSM_Mtu"
  fi
  if await_probe peering-reverse ended 60; then
    report_probe "$here-reaches-$there" "reverse-$there-to-$here-1MiB" "reverse-$here-to-$there-1MiB" \
      "reverse-datagram-$SSM_Mtu"
  fi
}

# Where networks stay apart, a Job can still run over there and say so.
verify_alone() {
  local began
  began=$(now_milliseconds)
  probe_object Job there peering-alone "$SSM_ProviderClusterId" "$PROBE_ALONE" | probe_apply
  await_probe peering-alone ended 90 || return 0
  [[ $(jq -r .ran <<<"$probe_message") == true ]] || {
    tried offloaded-job "$began" "it said: $probe_message" 'look at the pod on the other side'
    return 0
  }
  check offloaded-job true $(($(now_milliseconds) - began)) 'traffic is not tried: liqo.networking is false'
}

verify_verdict() {
  local all=()
  # The checks, and why they speak against the peering, if they do.
  mapfile -t all < <(jq -rn '[$ARGS.positional | range(0; length; 5) as $at | .[$at:$at + 5]
      | (.[1] == "true") as $ok | {name: .[0], $ok, ms: (.[2] | tonumber)} + (if .[3] == "" then {} else {detail: .[3]} end)
        + (if $ok or .[4] == "" then {} else {remedy: .[4]} end)]
    | tojson, (map(select(.ok | not)) as $bad | select($bad != [])
      | "\($bad | length) of \(length) checks failed: " + ($bad | map("\(.name): \(.detail // "no")" + (if .remedy then ". Remedy: \(.remedy)" else "" end)) | join(" | ") | gsub("\n"; " ")))' \
    --args -- "${verify_checks[@]}")
  step_put_json checks "${all[0]}"
  step_put_json mtu "$((10#$SSM_Mtu))"
  if ((${#all[@]} > 1)); then die "${all[1]}"; fi
}

require_verify_parameters() {
  step_require ProviderClusterId '^[a-z][a-z0-9-]{0,62}$'
  step_require ProviderUrl '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$'
  step_require ProxyUrl '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$'
  step_require Mtu '^[0-9]{1,6}$'
  step_require Networking '^(true|false)$'
  step_require Resources '^([A-Za-z0-9_./-]+=[A-Za-z0-9_.:/+-]*(,[A-Za-z0-9_./-]+=[A-Za-z0-9_.:/+-]*)*)?$'
  step_require Image '^[a-z0-9][a-z0-9./:@_-]{0,250}$'
}

# verify_peering HERE THERE: what the two sides are called in the checks.
verify_peering() {
  verify_here=$1 verify_there=$2
  require_verify_parameters
  verify_tenant=$(kube_json namespaces -l "liqo.io/remote-cluster-id=$SSM_ProviderClusterId,liqo.io/tenant-namespace=true" |
    jq -r '.items[0].metadata.name // ""') || verify_tenant=''
  step_cleanup=verify_cleanup
  verify_health
  if [[ $SSM_Networking == true ]]; then verify_tunnel; fi
  verify_api
  if verify_node; then
    verify_clear
    if verify_offload; then
      if [[ $SSM_Networking == true ]]; then verify_traffic; else verify_alone; fi
    fi
  fi
  verify_verdict
}
