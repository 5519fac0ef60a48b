#!/bin/bash
# Peers this cluster, the consumer, with the provider. Needs liqo.sh, handover.sh and door.sh.
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>

# A lighthouse that starts again is away for half a minute: door and retries must outlast it.
readonly PEER_SECRET_SECONDS=30
readonly PEER_DOOR_SECONDS=90
readonly PEER_SECONDS=520
readonly PEER_ATTEMPT_SECONDS=240
readonly PEER_PAUSE_SECONDS=10
readonly PEER_ATTEMPTS=5
readonly PEER_HEALTH_SECONDS=90

peer_require() {
  step_require ProviderClusterId '^[a-z][a-z0-9-]{0,62}$'
  step_require SecretId '^[A-Za-z0-9_./-]{1,256}$'
  step_require ProviderUrl '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$'
  step_require ProxyUrl '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$'
  step_require GatewayPort '^[0-9]{1,6}$'
  step_require GatewayAddress '^(([0-9]{1,3}\.){3}[0-9]{1,3})?$'
  step_require GatewayLocation '^(Provider|Consumer)$'
  step_require Mtu '^[0-9]{1,6}$'
  step_require Cpu '^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$'
  step_require Memory '^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$'
  step_require Pods '^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$'
  step_require Resources '^[][A-Za-z0-9_./=:+,-]*$'
  step_require Networking '^(true|false)$'
  step_require InBand '^(true|false)$'
  step_require Namespaces '^[a-z0-9,-]*$'
}

# peer_holds_resources: whether the virtual node has been granted just what is asked for now.
peer_holds_resources() {
  local asked="cpu=$SSM_Cpu,memory=$SSM_Memory,pods=$SSM_Pods${SSM_Resources:+,$SSM_Resources}"
  [[ $(liqo_json 30 info peer "$SSM_ProviderClusterId" | jq --arg id "$SSM_ProviderClusterId" --arg asked "$asked" '
    ($asked | split(",") | map(split("=") | {(.[0]): .[1]}) | add) as $wanted |
    any(.[$id].authentication.resourceSlices[]?; . as $slice | .accepted == true and
      all($wanted | to_entries[]; $slice.resources[.key] == .value))') == true ]]
}

# peer_stands: the peering is there, healthy and of the size asked for: then there is nothing to do.
peer_stands() {
  liqo_peer_health "$SSM_ProviderClusterId" "$SSM_Networking" && peer_holds_resources
}

# Fetches the credential and makes sure that it leads to a living API server.
peer_credential() {
  local fault
  peer_kubeconfig=$handover_dir/provider
  handover_get "$SSM_SecretId" "$peer_kubeconfig" "$PEER_SECRET_SECONDS"
  fault=$(kubeconfig_fault "$peer_kubeconfig")
  [[ -z $fault ]] || die "secret $SSM_SecretId holds no usable credential: $fault"
  kubeconfig_route "$peer_kubeconfig" "$SSM_ProviderUrl" "$SSM_ProxyUrl" ||
    die 'the credential cannot be pointed at the provider: kubectl config set-cluster failed'
  door_await "$peer_kubeconfig" "$PEER_DOOR_SECONDS" || die "$(door_fault "$SSM_ProviderUrl" "$SSM_ProxyUrl")"
}

peer_arguments() {
  local pair pairs=()
  peer_command=(peer --remote-kubeconfig "$peer_kubeconfig")
  if [[ -n $SSM_ProxyUrl ]]; then peer_command+=(--proxy-url "$SSM_ProxyUrl"); fi
  if [[ $SSM_Networking == true ]]; then
    peer_command+=(
      --gw-server-service-location "$SSM_GatewayLocation"
      --gw-server-service-type NodePort
      --gw-server-service-nodeport "$SSM_GatewayPort"
      --mtu "$SSM_Mtu"
    )
    # Address and port go together: Liqo would advertise the port it knows with the address it is told.
    if [[ -n $SSM_GatewayAddress ]]; then
      peer_command+=(--gw-client-address "$SSM_GatewayAddress" --gw-client-port "$SSM_GatewayPort")
    fi
  else
    peer_command+=(--networking-disabled)
  fi
  if [[ $SSM_InBand == true ]]; then peer_command+=(--in-band); fi
  peer_command+=(--cpu "$SSM_Cpu" --memory "$SSM_Memory" --pods "$SSM_Pods")
  IFS=, read -r -a pairs <<<"$SSM_Resources"
  for pair in "${pairs[@]}"; do peer_command+=(--resource "$pair"); done
  peer_command+=(--skip-confirm)
}

# peer_run: liqoctl until it succeeds. It writes everything with create-or-update, so it may be run again.
peer_run() {
  local attempt rc seconds deadline=$((SECONDS + PEER_SECONDS))
  for ((attempt = 1; attempt <= PEER_ATTEMPTS; attempt++)); do
    rc=0 seconds=$((deadline - SECONDS))
    if ((seconds > PEER_ATTEMPT_SECONDS)); then seconds=$PEER_ATTEMPT_SECONDS; fi
    liqo "$((seconds + 15))" "${peer_command[@]}" --timeout "${seconds}s" || rc=$?
    if ((rc == 0)); then
      step_put_json attempts "$attempt"
      return 0
    fi
    log "liqoctl peer ended with $rc (attempt $attempt)"
    # Flags that this liqoctl does not know will not become known.
    if [[ $(liqo_last_words) == *'unknown flag'* ]] || ((SECONDS + 3 * PEER_PAUSE_SECONDS >= deadline)); then break; fi
    sleep "$PEER_PAUSE_SECONDS"
  done
  liqo_peer_health "$SSM_ProviderClusterId" "$SSM_Networking" || true
  step_put_json faults "$(liqo_faults_json)"
  die "liqoctl peer did not succeed (exit code $rc, attempt $attempt): $(liqo_last_words). $(liqo_faults_line)"
}

peer_is_healthy() {
  liqo_peer_health "$SSM_ProviderClusterId" "$SSM_Networking"
}

# namespace_is_offloaded NAMESPACE
namespace_is_offloaded() {
  [[ $(kube_json namespaceoffloadings.offloading.liqo.io offloading -n "$1" --ignore-not-found | jq -r '
    .spec | "\(.namespaceMappingStrategy) \(.podOffloadingStrategy)"') == 'EnforceSameName LocalAndRemote' ]]
}

# The namespaces to offload, made where they are missing.
peer_namespaces() {
  local namespace namespaces=() offloaded=()
  IFS=, read -r -a namespaces <<<"$SSM_Namespaces"
  for namespace in "${namespaces[@]}"; do
    if [[ -z $(kube get namespace "$namespace" --ignore-not-found -o name | step_plain) ]]; then
      kube create namespace "$namespace" || die "namespace $namespace cannot be made: $(liqo_last_words)"
    fi
    if namespace_is_offloaded "$namespace"; then continue; fi
    liqo 60 offload namespace "$namespace" --namespace-mapping-strategy EnforceSameName \
      --pod-offloading-strategy LocalAndRemote --timeout 50s --skip-confirm ||
      die "namespace $namespace cannot be offloaded: $(liqo_last_words)"
    offloaded+=("$namespace")
  done
  step_put offloaded "$(IFS=,; printf '%s' "${offloaded[*]}")"
}

peer_clusters() {
  step_put provider "$SSM_ProviderClusterId"
  if peer_stands; then
    step_put change none
  else
    handover_open
    peer_credential
    peer_arguments
    log "liqoctl ${peer_command[*]}"
    peer_run
    if ! await "$PEER_HEALTH_SECONDS" 10 peer_is_healthy; then
      step_put_json faults "$(liqo_faults_json)"
      die "the peering with $SSM_ProviderClusterId stands but is not healthy: $(liqo_faults_line)"
    fi
    step_put change peer
  fi
  peer_namespaces
}
