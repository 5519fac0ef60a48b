#!/bin/bash
# Is the homelab's cluster ready for a peering? Reads and changes nothing; names every fault with its remedy at once, so
# that nothing is launched, installed or restarted before somebody has decided about them.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"
source "${BASH_SOURCE%/*}/lib/homelab.sh"
source "${BASH_SOURCE%/*}/lib/cidr.sh"
source "${BASH_SOURCE%/*}/lib/faults.sh"
source "${BASH_SOURCE%/*}/lib/yaml.sh"
source "${BASH_SOURCE%/*}/lib/door.sh"
source "${BASH_SOURCE%/*}/lib/homelab-cilium.sh"
source "${BASH_SOURCE%/*}/lib/homelab-lighthouse.sh"
source "${BASH_SOURCE%/*}/lib/homelab-ranges.sh"

readonly IPV4='([0-9]{1,3}\.){3}[0-9]{1,3}'
readonly DNS_NAME='^[a-z][a-z0-9-]{0,62}$'

# may REMEDY VERB RESOURCE...
may() {
  local answer
  answer=$(kube auth can-i "${@:2}" 2>/dev/null | step_plain) || true
  [[ $answer == yes* ]] || fault rights "this node may not ${*:2}" "${answer:-no answer}" "$1"
}

check_rights() {
  local operator='kubectl apply -k homelab/ (ClusterRole carrierarr-operator)'
  may "$operator" list nodes
  may "$operator" create namespaces
  may "$operator" patch namespaces
  may "$operator" create jobs.batch -n carrierarr-check
  may "$operator" create pods -n carrierarr-check
}

# Liqo: absent, or what is wanted.
check_liqo() {
  local installed id version
  look_for liqo deployment liqo-controller-manager -n liqo || return 0
  if [[ -z $looked ]]; then
    may 'kubectl apply -k homelab/installer (ClusterRole carrierarr-installer) until Liqo is installed' \
      create customresourcedefinitions.apiextensions.k8s.io
    return 0
  fi
  if ! installed=$(timeout 30 liqoctl info --output json 2>/dev/null | step_plain) || ! jq -e .local <<<"$installed" >/dev/null 2>&1; then
    fault liqo 'Liqo is there but does not say what it is' 'liqoctl info failed' \
      'look at liqoctl info and at the pods in namespace liqo'
    return 0
  fi
  id=$(jq -r '.local.clusterID // ""' <<<"$installed")
  version=$(jq -r '.local.version // ""' <<<"$installed")
  [[ $id == "$SSM_ClusterId" ]] || fault liqo 'Liqo runs under another cluster id, which cannot be changed in place' "$id" \
    "set liqo.homelabClusterId to it, or uninstall Liqo (wanted: $SSM_ClusterId)"
  if [[ ${version#v} != "${SSM_LiqoVersion#v}" && $SSM_AllowUpgrade != true ]]; then
    fault liqo 'another version of Liqo runs here' "$version" \
      "set liqo.version to it, or liqo.allowUpgrade: true (wanted: $SSM_LiqoVersion)"
  fi
}

# check_privileged NAMESPACE: PodSecurity must let privileged pods into it. (Liqo's own namespace is made and labelled
# by the installation, which needs no more than the rights looked at above.)
check_privileged() {
  local label
  look_for namespaces namespace "$1" || return 0
  if [[ -z $looked ]]; then
    fault namespaces "there is no namespace $1" '' 'kubectl apply -k homelab/'
    return 0
  fi
  label=$(look_json '.metadata.labels["pod-security.kubernetes.io/enforce"] // "no label"')
  [[ $label == privileged ]] || fault namespaces "PodSecurity would refuse the pods of namespace $1" "$label" \
    "kubectl label --overwrite namespace $1 pod-security.kubernetes.io/enforce=privileged"
}

# The door refuses what is not on its list, and says so: to be refused a connection that it must not grant proves that
# it listens and that its policy is on.
check_door_answers() {
  local file=$step_scratch/door.kubeconfig
  jq -n --arg server "https://$SSM_WorkerIp:22" --arg proxy "$SSM_ProxyUrl" '{apiVersion: "v1", kind: "Config",
    clusters: [{name: "x", cluster: ({$server} + {"proxy-url": $proxy})}], users: [{name: "x", user: {}}],
    contexts: [{name: "x", context: {cluster: "x", user: "x"}}], "current-context": "x"}' >"$file"
  if door_try "$file"; then door_words='the connection was granted'; fi
  case $(door_fault '' "$SSM_ProxyUrl") in
    *'refuses to connect there'*) ;;
    *'mesh door'*'does not answer: '*)
      fault mesh-door 'the mesh door does not answer' "$door_words" \
        'kubectl -n carrierarr-mesh logs deployment/mesh-door (docs/homelab.md)'
      ;;
    *) fault mesh-door "the mesh door lets everybody open any port, tcp 22 of $SSM_WorkerIp for one" "$door_words" \
      'kubectl apply -k homelab/: its list of ports is closed' ;;
  esac
}

check_door() {
  local host name namespace
  [[ -n $SSM_ProxyUrl ]] || return 0
  host=${SSM_ProxyUrl#*://} host=${host%%:*}
  if [[ $host =~ ^([a-z0-9-]+)\.([a-z0-9-]+)(\.svc(\..*)?)?$ ]]; then
    name=${BASH_REMATCH[1]} namespace=${BASH_REMATCH[2]}
    check_privileged "$namespace"
    look_for mesh-door deployment "$name" -n "$namespace" || return 0
    if [[ -z $looked || $(look_json '.status.availableReplicas // 0') == 0 ]]; then
      fault mesh-door 'the mesh door is not up: no pod here can reach the mesh' "Deployment $namespace/$name" \
        "kubectl apply -k homelab/, then kubectl -n $namespace describe deployment $name"
      return 0
    fi
  fi
  check_door_answers
}

# Workers know the API server by the lighthouse's mesh address, which Talos leaves out of the certificate when it lies
# inside pods or services.
check_api_certificate() {
  [[ $SSM_Provides == true ]] || return 0
  look --tls-server-name "$SSM_LighthouseIp" get --raw /livez || fault api-certificate \
    "the API server's certificate is not valid for $SSM_LighthouseIp" "$look_error" \
    "add $SSM_LighthouseIp to cluster.apiServer.certSANs of the Talos control planes"
}

require_parameters() {
  step_require LighthouseNamespace "$DNS_NAME"
  step_require LighthouseDeployment "$DNS_NAME"
  step_require LighthouseConfigMap "$DNS_NAME"
  step_require LighthouseIp "^$IPV4$"
  step_require CaFingerprint '^[0-9a-f]{64}$'
  step_require ClusterId "$DNS_NAME"
  step_require LiqoVersion '^v?[0-9]+(\.[0-9]+)*([-+][0-9A-Za-z.]+)?$'
  step_require AllowUpgrade '^(true|false)$'
  step_require Networking '^(true|false)$'
  step_require Provides '^(true|false)$'
  step_require PodCidr "^$IPV4/[0-9]{1,2}$"
  step_require ServiceCidr "^$IPV4/[0-9]{1,2}$"
  step_require ForeignCidrs "^($IPV4/[0-9]{1,2}(,$IPV4/[0-9]{1,2})*)?$"
  step_require MeshCidr "^$IPV4/[0-9]{1,2}$"
  step_require WorkerIp "^$IPV4$"
  step_require ProxyUrl '^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?$'
}

step_begin homelab-preflight shared
require_parameters
homelab_open
cluster_open 20
check_rights
check_cilium
check_lighthouse
check_ranges
check_door
check_liqo
check_api_certificate
faults_end
