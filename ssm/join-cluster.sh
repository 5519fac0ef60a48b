#!/bin/bash
# On the server: a node has joined. It is Ready, carries its labels and its taint, its GPU can be had by pods, and a pod
# on it fetches 1 MiB from a pod on this node: full-size packets through the tunnel, which no probe of Cilium sends.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"

# Of its own: Liqo could not offload a namespace by the name of one that is here already.
readonly CHECK_NAMESPACE=carrierarr-join
readonly IMAGE=docker.io/library/busybox:1.37
readonly PORT=8080
readonly BYTES=1048576
# All of it, below the document's limit.
readonly LIMIT_SECONDS=400

# left SECONDS: that many, or what is left of the limit.
left() {
  local left=$((LIMIT_SECONDS - SECONDS))
  ((left > 10)) || left=10
  printf '%d' $((left < $1 ? left : $1))
}

await_ready() {
  if cluster_await_node "$SSM_NodeName" "$((10#$SSM_ReadySeconds))"; then return 0; fi
  explain_pods -A
  die "node $SSM_NodeName is not Ready after $SSM_ReadySeconds s: $(node_faults "$SSM_NodeName" | paste -sd ';' | cut -c 1-250); pods: $cluster_why"
}

# The kubelet sets labels and taints only when it registers; whoever joined before they were asked for gets them here.
dress_node() {
  local labels
  IFS=, read -r -a labels <<<"$SSM_Labels"
  if ((${#labels[@]} > 0)); then
    kube label node "$SSM_NodeName" --overwrite "${labels[@]}" || die "node $SSM_NodeName cannot be labelled"
  fi
  if [[ -n $SSM_Taint ]]; then
    kube taint node "$SSM_NodeName" --overwrite "$SSM_Taint" || die "node $SSM_NodeName cannot be tainted"
  fi
}

gpu_allocatable() {
  gpus=$(kube_json node "$SSM_NodeName" | jq -r '.status.allocatable["nvidia.com/gpu"] // "0"') && [[ $gpus != 0 ]]
}

await_gpu() {
  gpus=0
  if [[ $SSM_Gpu == none ]] || await "$(left 120)" 2 gpu_allocatable; then return 0; fi
  explain_pods -n kube-system -l app.kubernetes.io/name=nvidia-device-plugin
  die "node $SSM_NodeName offers no nvidia.com/gpu; device plugin: $cluster_why"
}

# pod NAME NODE RESTART SCRIPT [TARGET]: a pod that is told which node it runs on. It tolerates the node's taint.
pod() {
  jq -nc --arg name "$1-$SSM_Worker" --arg probe "join-$1" --arg node "$2" --arg restart "$3" --arg script "$4" \
    --arg target "${5:-}" --arg namespace "$CHECK_NAMESPACE" --arg image "$IMAGE" '{
      apiVersion: "v1", kind: "Pod",
      metadata: {
        name: $name, namespace: $namespace,
        labels: {"app.kubernetes.io/managed-by": "carrierarr", "carrierarr.io/probe": $probe}
      },
      spec: {
        restartPolicy: $restart, terminationGracePeriodSeconds: 1, automountServiceAccountToken: false,
        nodeSelector: {"kubernetes.io/hostname": $node},
        tolerations: [{operator: "Exists"}],
        containers: [{
          name: "probe", image: $image, command: ["sh", "-c", $script], env: [{name: "TARGET", value: $target}],
          resources: {requests: {cpu: "10m", memory: "16Mi"}, limits: {memory: "64Mi"}}
        }]
      }
    }'
}

# pod_field NAME FILTER
pod_field() {
  kube_json pod "$1" -n "$CHECK_NAMESPACE" --ignore-not-found | jq -r "$2"
}

serving() {
  serve_ip=$(pod_field "serve-$SSM_Worker" \
    'select(any(.status.conditions[]?; .type == "Ready" and .status == "True")) | .status.podIP // ""') && [[ -n $serve_ip ]]
}

fetched() {
  local phase
  phase=$(pod_field "fetch-$SSM_Worker" '.status.phase // ""') && [[ $phase == Succeeded || $phase == Failed ]]
}

# Pods of an earlier run, or of this one.
remove_pods() {
  kube_within 40 delete pod "serve-$SSM_Worker" "fetch-$SSM_Worker" -n "$CHECK_NAMESPACE" --ignore-not-found \
    --wait="${1:-false}" --timeout=30s || log 'pods of the check could not be removed'
}

own_node() {
  sed -n 's/^node-name: *"\{0,1\}\([A-Za-z0-9.-]*\)"\{0,1\} *$/\1/p' /etc/rancher/k3s/config.yaml
}

# check_fault WHAT: ends the step with what the check's pods say.
check_fault() {
  explain_pods -n "$CHECK_NAMESPACE"
  die "$1; pods: $cluster_why"
}

verify_network() {
  local server serve_ip='' said
  server=$(own_node)
  [[ -n $server ]] || die 'k3s has no node-name in its configuration'
  jq -nc --arg name "$CHECK_NAMESPACE" '{apiVersion: "v1", kind: "Namespace", metadata: {name: $name}}' | kube apply -f - ||
    die "namespace $CHECK_NAMESPACE cannot be made"
  remove_pods true
  step_cleanup=remove_pods
  pod serve "$server" Always \
    "mkdir -p /tmp/www && head -c $BYTES /dev/zero >/tmp/www/blob && exec httpd -f -p $PORT -h /tmp/www" | kube apply -f -
  await "$(left 90)" 2 serving || check_fault "the check's pod on $server did not become ready"
  # shellcheck disable=SC2016 # the pod expands it
  pod fetch "$SSM_NodeName" Never 'try=0
until got=$(timeout 8 wget -q -O - "http://$TARGET/blob" | wc -c) && [ "$got" = '"$BYTES"' ]; do
  try=$((try + 1))
  if [ $try -ge 6 ]; then
    printf "{\"ok\":false,\"bytes\":%s,\"of\":'"$BYTES"'}" "$got" >/dev/termination-log
    exit 1
  fi
  sleep 2
done
printf "{\"ok\":true,\"bytes\":%s}" "$got" >/dev/termination-log' "$serve_ip:$PORT" | kube apply -f -
  await "$(left 100)" 2 fetched || check_fault "the check's pod on $SSM_NodeName did not end"
  said=$(pod_field "fetch-$SSM_Worker" '.status.containerStatuses[0].state.terminated.message // ""')
  log "the pod on $SSM_NodeName says: $said"
  if [[ $(jq -r '.ok' <<<"$said" 2>/dev/null) != true ]]; then
    check_fault "pods on $SSM_NodeName do not reach pods on $server (${said:-it said nothing}): are udp 8472 and the MTU right?"
  fi
}

step_begin join-cluster exclusive
step_require NodeName '^[a-z][a-z0-9-]{0,62}$'
step_require Labels '^(([A-Za-z0-9_./-]|\[[0-9]+\])+=[A-Za-z0-9_.:/+-]*(,([A-Za-z0-9_./-]|\[[0-9]+\])+=[A-Za-z0-9_.:/+-]*)*)?$'
step_require Taint '^([A-Za-z0-9_./-]+=[A-Za-z0-9_.-]*:(NoSchedule|NoExecute|PreferNoSchedule))?$'
step_require Gpu '^(required|none)$'
step_require ReadySeconds '^[0-9]{1,6}$'
cluster_open 20
await_ready
step_put node "$SSM_NodeName"
dress_node
await_gpu
step_put gpu "$gpus"
verify_network
