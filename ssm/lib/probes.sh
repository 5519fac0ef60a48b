#!/bin/bash
# The pods by which a peering is tried out: busybox and nothing else, root nowhere. A server on each side, and a client on
# each side that leaves what it has seen in its termination message, since Liqo copies that from the other cluster word
# for word, while logs and exec of offloaded pods do not work everywhere. Needs cluster.sh.
# shellcheck disable=SC2016,SC2034,SC2154 # scripts for elsewhere; shared with the programs that source this file

readonly PROBE_NAMESPACE=${PROBE_NAMESPACE:-carrierarr-check}
readonly PROBE_PART=app.kubernetes.io/part-of=carrierarr-check
readonly PROBE_BYTES=1048576

# 7000: download. 7001: upload, answered with its checksum. 7002: datagrams, sent back.
readonly PROBE_SERVER='
mkdir -p /tmp/www && cd /tmp/www
head -c "$BYTES" /dev/urandom >blob
sha256sum blob | cut -c 1-64 >sum
tcpsvd 0.0.0.0 7001 sha256sum &
udpsvd 0.0.0.0 7002 timeout 5 cat &
exec httpd -f -p 7000 -h /tmp/www'

# Small packets first: what stalls after they have passed stalls for its size.
readonly PROBE_CLIENT='
now() { read -r up _ </proc/uptime; echo "${up%.*}${up#*.}0"; }
result() { echo "\"$1\":$([ "$2" = "$3" ] && echo "{\"ok\":true" || echo "{\"ok\":false"),\"ms\":$(($(now) - began)),\"bytes\":$4}"; }
cd /tmp
began=$(now) sum= dns=true
for look in 1 2 3 4 5 6 7 8 9 10; do
  sum=$(timeout 5 wget -q -O - "http://$TARGET:7000/sum" 2>words) && break
  sleep 1
done
if grep -qi "bad address" words; then dns=false; fi
connect=$(result connect "${#sum}" 64 "${#sum}")
if [ "${#sum}" != 64 ]; then
  echo "{\"dns\":$dns,$connect}" >/dev/termination-log
  exit 0
fi
began=$(now)
timeout 15 wget -q -O blob "http://$TARGET:7000/blob" 2>/dev/null
download=$(result download "$(sha256sum blob 2>/dev/null | cut -c 1-64)" "$sum" "$(wc -c <blob)")
head -c "$BYTES" /dev/urandom >own
began=$(now)
answer=$(timeout 15 nc "$TARGET" 7001 <own | cut -c 1-64)
upload=$(result upload "$answer" "$(sha256sum own | cut -c 1-64)" "$BYTES")
head -c "$DATAGRAM_BYTES" own >datagram
began=$(now)
for try in 1 2 3; do
  back=$(timeout 2 nc -u "$TARGET" 7002 <datagram | wc -c)
  [ "$back" = "$DATAGRAM_BYTES" ] && break
done
echo "{\"dns\":$dns,$connect,$download,$upload,$(result datagram "$back" "$DATAGRAM_BYTES" "$back")}" >/dev/termination-log'

readonly PROBE_ALONE='echo "{\"ran\":true}" >/dev/termination-log'

# probe_object KIND SIDE NAME PROVIDER SCRIPT [TARGET DATAGRAM]: a Pod or a Job as JSON; side: here or there.
probe_object() {
  jq -cn --arg kind "$1" --arg side "$2" --arg name "$3" --arg provider "$4" --arg script "$5" --arg target "${6:-}" \
    --arg datagram "${7:-0}" --arg bytes "$PROBE_BYTES" --arg image "$SSM_Image" --arg namespace "$PROBE_NAMESPACE" '
    {"app.kubernetes.io/part-of": "carrierarr-check", "carrierarr.io/probe": $name} as $labels
    | (if $side == "there" then {nodeSelector: {"liqo.io/remote-cluster-id": $provider}} else
        {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [
          {matchExpressions: [{key: "liqo.io/type", operator: "DoesNotExist"}]}]}}}} end) as $placed
    | ($placed + {
        restartPolicy: (if $kind == "Pod" then "Always" else "Never" end), terminationGracePeriodSeconds: 1, automountServiceAccountToken: false,
        tolerations: [{key: "virtual-node.liqo.io/not-allowed", operator: "Exists", effect: "NoExecute"},
          {key: "nvidia.com/gpu", operator: "Exists"}],
        securityContext: {runAsNonRoot: true, runAsUser: 65534, runAsGroup: 65534, seccompProfile: {type: "RuntimeDefault"}},
        containers: [{
          name: "probe", image: $image, imagePullPolicy: "IfNotPresent", command: ["sh", "-c", $script],
          env: [{name: "TARGET", value: $target}, {name: "DATAGRAM_BYTES", value: $datagram}, {name: "BYTES", value: $bytes}],
          resources: {requests: {cpu: "10m", memory: "16Mi"}, limits: {memory: "64Mi"}},
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}}}]}) as $pod
    | {name: $name, namespace: $namespace, labels: $labels} as $metadata
    | if $kind == "Pod" then {apiVersion: "v1", kind: "Pod", metadata: $metadata, spec: $pod}
      else {apiVersion: "batch/v1", kind: "Job", metadata: $metadata, spec: {backoffLimit: 0,
        activeDeadlineSeconds: 120, template: {metadata: {labels: $labels}, spec: $pod}}} end'
}

probe_service() {
  jq -cn --arg namespace "$PROBE_NAMESPACE" '{apiVersion: "v1", kind: "Service",
    metadata: {name: "echo", namespace: $namespace, labels: {"app.kubernetes.io/part-of": "carrierarr-check"}},
    spec: {selector: {"carrierarr.io/probe": "peering-here"}, ports: [
      {name: "download", port: 7000}, {name: "upload", port: 7001}, {name: "datagram", port: 7002, protocol: "UDP"}]}}'
}

# The objects on standard input, each a line.
probe_apply() {
  printf '{"apiVersion":"v1","kind":"List","items":[%s]}' "$(paste -sd ,)" | kube_within 30 apply -f -
}

# probe_pod NAME FILTER: what jq's filter finds in the latest pod of a probe; nothing while there is none.
probe_pod() {
  kube_json pods -n "$PROBE_NAMESPACE" -l "carrierarr.io/probe=$1" | jq -cr ".items | last // empty | $2"
}

# Sets probe_address once the pod is Ready.
probe_ready() {
  probe_address=$(probe_pod "$1" 'select(any(.status.conditions[]?; .type == "Ready" and .status == "True")) | .status.podIP // ""')
  [[ -n $probe_address ]]
}

# Sets probe_message once the pod has ended.
probe_ended() {
  probe_message=$(probe_pod "$1" '.status.containerStatuses[0]?.state.terminated // empty
    | .message // "" | . as $text | (fromjson? | objects) // {broken: $text[:200]}')
  [[ -n $probe_message ]]
}

# Everything the probes are, of this run or of an earlier one.
probe_delete() {
  kube_within "$1" delete jobs,pods,services -n "$PROBE_NAMESPACE" -l "$PROBE_PART" --ignore-not-found --wait=false || true
}

probe_gone() {
  [[ -z $(kube get pods,jobs -n "$PROBE_NAMESPACE" -l "$PROBE_PART" -o name | step_plain) ]]
}
