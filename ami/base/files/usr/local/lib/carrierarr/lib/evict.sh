#!/bin/bash
# Takes the work off this node with the rights the node has: a kubelet may mark its own node, list its own pods and
# evict them, and nothing else (Kubernetes' node authorizer). Needs clock.sh and `log`.
# shellcheck source-path=SCRIPTDIR
source "${BASH_SOURCE%/*}/clock.sh"

readonly K3S_CONFIG=/etc/rancher/k3s/config.yaml
readonly KUBECONFIG_OF_SERVER=/etc/rancher/k3s/k3s.yaml
readonly KUBECONFIG_OF_AGENT=/var/lib/rancher/k3s/agent/kubelet.kubeconfig

evict_node=''

# Finds credentials and the node's name; returns 1 where there is no cluster.
evict_open() {
  local file
  for file in "$KUBECONFIG_OF_SERVER" "$KUBECONFIG_OF_AGENT"; do
    if [[ -r $file ]]; then
      export KUBECONFIG=$file
      evict_node=$(sed -n 's/^node-name: *"\{0,1\}\([a-z0-9.-]*\)"\{0,1\} *$/\1/p' "$K3S_CONFIG")
      [[ -n $evict_node ]]
      return
    fi
  done
  return 1
}

evict_kube() {
  timeout 12 k3s kubectl --request-timeout=10s "$@"
}

evict_cordon() {
  local attempt
  for attempt in 1 2 3; do
    if evict_kube patch node "$evict_node" --type merge --patch '{"spec":{"unschedulable":true}}' >/dev/null; then return 0; fi
    log "$evict_node cannot be cordoned (attempt $attempt)"
    sleep 2
  done
  return 1
}

# The pods that are to go, one `<namespace> <name> <seconds of grace> <going>` a line. Those of daemon sets would come
# straight back, static ones are the kubelet's own, ended ones hold nothing. On a server that goes as a whole the pods
# that carry the others (cluster services, Liqo's tunnel) stay until the end.
evict_list() {
  local stay='[]'
  if [[ $KUBECONFIG == "$KUBECONFIG_OF_SERVER" ]]; then stay='["kube-system", "liqo"]'; fi
  evict_kube get pods --all-namespaces --field-selector "spec.nodeName=$evict_node" --output json |
    jq -r --argjson stay "$stay" '
      .items[]
      | select(.status.phase != "Succeeded" and .status.phase != "Failed")
      | select(.metadata.annotations["kubernetes.io/config.mirror"] == null)
      | select(any(.metadata.ownerReferences[]?; .kind == "DaemonSet") | not)
      | select(.metadata.namespace as $n | $stay | index($n) | not)
      | select(.metadata.namespace | startswith("liqo-tenant-") | not)
      | "\(.metadata.namespace) \(.metadata.name) \(.spec.terminationGracePeriodSeconds // 30) \(.metadata.deletionTimestamp != null)"'
}

# evict_pod NAMESPACE NAME SECONDS: a disruption budget may refuse; the next round tries again.
evict_pod() {
  jq -cn --arg namespace "$1" --arg name "$2" --argjson seconds "$3" \
    '{apiVersion: "policy/v1", kind: "Eviction", metadata: {$namespace, $name}, deleteOptions: {gracePeriodSeconds: $seconds}}' |
    evict_kube create --raw "/api/v1/namespaces/$1/pods/$2/eviction" --filename - >/dev/null ||
    log "pod $1/$2 is not evicted yet"
}

# evict_all SECONDS: asks each pod to go until all have gone or the time is over. None gets longer than what remains.
evict_all() {
  local deadline left namespace name grace going pods
  clock_read
  deadline=$((clock_seconds + $1))
  while ((clock_seconds < deadline)); do
    if pods=$(evict_list); then
      if [[ -z $pods ]]; then
        log 'no pod is left'
        return 0
      fi
      while read -r namespace name grace going; do
        if [[ $going == true ]]; then continue; fi
        clock_read
        left=$((deadline - clock_seconds))
        if ((left <= 0)); then break; fi
        evict_pod "$namespace" "$name" $((grace < left ? grace : left))
      done <<<"$pods"
    fi
    sleep 2
    clock_read
  done
  log "pods left after $1 s:"$'\n'"${pods:-unknown}"
}
