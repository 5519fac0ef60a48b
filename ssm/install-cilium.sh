#!/bin/bash
# Cilium on the cluster that this lighthouse opens: install, upgrade or nothing, judged by the Helm release that is there,
# since `cilium install` cannot be repeated. The node is Ready only once Cilium runs.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"

# k3s starts at boot and is given its time here, not there.
readonly API_SECONDS=240
readonly INSTALL_SECONDS=300
readonly SERVER_CA=/var/lib/rancher/k3s/server/tls/server-ca.crt
# Unpacked charts of the image; what is not there, the Cilium CLI brings along or fetches.
readonly CHARTS=/usr/local/share/carrierarr/charts
# Liqo's virtual nodes are no place for Cilium: without its agent it would taint them.
readonly AFFINITY='affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]'

check_parameters() {
  local number='^[0-9]{1,6}$' flag='^(true|false)$'
  step_require Version '^v?[0-9]+(\.[0-9]+)*([-+][0-9A-Za-z.]+)?$'
  step_require ClusterName '^[a-z][a-z0-9-]{0,62}$'
  step_require ClusterId "$number"
  step_require IpamMode '^(kubernetes|cluster-pool)$'
  step_require KubeProxyReplacement "$flag"
  step_require ApiServerHost '^[A-Za-z0-9.-]{1,253}$'
  step_require ApiServerPort "$number"
  step_require Hubble "$flag"
  step_require HubbleRelay "$flag"
  step_require ClusterMesh "$flag"
  step_require ClusterMeshPort "$number"
  step_require Devices '^[a-z0-9]{0,14}$'
  step_require Mtu "$number"
  step_require ExtraValues '^(([A-Za-z0-9_./-]|\[[0-9]+\])+=[A-Za-z0-9_.:/+-]*(,([A-Za-z0-9_./-]|\[[0-9]+\])+=[A-Za-z0-9_.:/+-]*)*)?$'
  step_require ReadySeconds "$number"
}

# What a join token names the cluster by. k3s hashes the bytes of a bundle with one certificate, which is what it makes by
# itself; of a longer bundle it takes the root (pkg/clientaccess/token.go), and such a one is not made here.
put_ca_hash() {
  local certificates
  certificates=$(grep -c -e '-----BEGIN CERTIFICATE-----' "$SERVER_CA") || die "k3s has left no certificate in $SERVER_CA"
  ((certificates == 1)) || die "$SERVER_CA holds $certificates certificates, not the one that k3s makes by itself"
  step_put caHash "$(sha256sum "$SERVER_CA" | cut -d ' ' -f 1)"
}

# The seed's values, with what the network asks for.
collect_values() {
  local extra
  values=(
    "cluster.name=$SSM_ClusterName"
    "cluster.id=$SSM_ClusterId"
    "ipam.mode=$SSM_IpamMode"
    "kubeProxyReplacement=$SSM_KubeProxyReplacement"
    "k8sServiceHost=$SSM_ApiServerHost"
    "k8sServicePort=$SSM_ApiServerPort"
    "operator.replicas=1"
    "hubble.enabled=$SSM_Hubble"
    "hubble.relay.enabled=$SSM_HubbleRelay"
    "clustermesh.useAPIServer=$SSM_ClusterMesh"
    "$AFFINITY.key=liqo.io/type"
    "$AFFINITY.operator=DoesNotExist"
  )
  if [[ $SSM_ClusterMesh == true ]]; then
    values+=(
      clustermesh.apiserver.replicas=1
      clustermesh.apiserver.service.type=NodePort
      "clustermesh.apiserver.service.nodePort=$SSM_ClusterMeshPort"
    )
  fi
  if [[ -n $SSM_Devices ]]; then values+=("devices={$SSM_Devices+}"); fi
  if ((10#$SSM_Mtu > 0)); then values+=("MTU=$((10#$SSM_Mtu))"); fi
  IFS=, read -r -a extra <<<"$SSM_ExtraValues"
  values+=("${extra[@]}")
}

# The values as Helm makes them of `--set`: nested, typed.
values_json() {
  printf '%s\n' "${values[@]}" | jq -Rnc '
    def typed: if . == "true" then true elif . == "false" then false elif . == "null" then null
      elif test("^(0|-?[1-9][0-9]*)$") then tonumber else . end;
    def value: if test("^[{].*[}]$") then .[1:-1] | split(",") | map(typed) else typed end;
    def place: [scan("[^.\\[\\]]+|\\[[0-9]+\\]") | if startswith("[") then .[1:-1] | tonumber else . end];
    reduce (inputs | capture("^(?<key>[^=]+)=(?<value>.*)$")) as $each ({}; setpath($each.key | place; $each.value | value))'
}

# helm_says ARGUMENT...: a look with a limit.
helm_says() {
  timeout --kill-after=5 60 helm "$@" --namespace kube-system --output json | step_plain
}

# Sets release_status (absent where there is none), release_version and release_revision.
read_release() {
  local releases
  releases=$(helm_says list --all --filter '^cilium$') || die 'helm cannot list the releases'
  release_status=$(jq -r '.[0].status // "absent"' <<<"$releases")
  release_version=$(jq -r '.[0].chart // "" | ltrimstr("cilium-")' <<<"$releases")
  release_revision=$(jq -r '.[0].revision // ""' <<<"$releases")
}

# A run that was cut short leaves a release that says somebody is at work on it. Nobody is: this step holds the lock.
forget_unfinished() {
  local look
  for look in 1 2 3; do
    [[ $release_status == pending-* ]] || return 0
    log "revision $release_revision of the release is $release_status: an earlier run was cut short"
    kube delete secret "sh.helm.release.v1.cilium.v$release_revision" --namespace kube-system --ignore-not-found
    read_release
  done
}

# differences JSON: names of the values that a release with those values has not, or otherwise.
differences() {
  values_json | jq -r --argjson have "$1" '
    def told: if type == "string" then . else tojson end;
    . as $want | paths(type | . != "object" and . != "array") as $place |
    select(($want | getpath($place) | told) != ($have | try getpath($place) catch null | told)) |
    $place | map(tostring) | join(".")'
}

# Sets action to install, upgrade or none.
decide() {
  local installed different
  action=upgrade
  if [[ $release_status == absent ]]; then
    action=install
  elif [[ $release_status != deployed ]]; then
    log "the release is $release_status"
  elif [[ $release_version != "${SSM_Version#v}" ]]; then
    log "version $release_version is installed"
  else
    installed=$(helm_says get values cilium) || die 'helm cannot tell the values of the release'
    different=$(differences "${installed:-null}")
    if [[ -n $different ]]; then log "other values: $(paste -sd ' ' <<<"$different")"; else action=none; fi
  fi
}

run_cilium() {
  local arguments=("$action" --version "${SSM_Version#v}") each said rc=0
  if [[ -e $CHARTS/cilium-${SSM_Version#v}/Chart.yaml ]]; then
    arguments+=(--chart-directory "$CHARTS/cilium-${SSM_Version#v}")
  fi
  if [[ $action == upgrade ]]; then arguments+=(--reset-values --reuse-values=false); fi
  for each in "${values[@]}"; do arguments+=(--set "$each"); done
  log "cilium ${arguments[*]}"
  said=$(timeout --kill-after=10 "$INSTALL_SECONDS" cilium "${arguments[@]}" </dev/null 2>&1 | step_plain) || rc=$?
  log "$said"
  if ((rc == 0)); then return 0; fi
  explain_pods -n kube-system
  if ((rc == 124)); then die "cilium $action did not end within $INSTALL_SECONDS s; pods: $cluster_why"; fi
  die "cilium $action failed: $(grep -v '^ *$' <<<"$said" | tail -n 1 | cut -c 1-400); pods: $cluster_why"
}

await_node() {
  local node=carrierarr-$SSM_Worker
  if cluster_await_node "$node" "$((10#$SSM_ReadySeconds))"; then return 0; fi
  explain_pods -n kube-system
  die "node $node is not Ready after $SSM_ReadySeconds s: $(node_faults "$node" | paste -sd ';' | cut -c 1-250); pods: $cluster_why"
}

step_begin install-cilium exclusive
check_parameters
cluster_open "$API_SECONDS"
put_ca_hash
collect_values
read_release
forget_unfinished
decide
if [[ $action != none ]]; then run_cilium; fi
step_put action "$action"
step_put version "${SSM_Version#v}"
await_node
