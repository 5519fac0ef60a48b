#!/bin/bash
# The homelab's node: where its cluster is and who it is at AWS. It is either a pod in that cluster (then the pod's
# service account says who may do what) or a machine beside it with a kubeconfig. Needs prologue.sh and cluster.sh.
# shellcheck disable=SC2034,SC2154 # shared with the programs that source this file

# Exclusive steps of the homelab wait this long for each other: all lighthouses share one homelab.
readonly HOMELAB_LOCK_SECONDS=300
readonly HOMELAB_KUBECONFIG=/etc/carrierarr/kubeconfig
readonly HOMELAB_ACCOUNT=${CARRIERARR_SERVICE_ACCOUNT:-/var/run/secrets/kubernetes.io/serviceaccount}
readonly HOMELAB_REGISTRATION=/var/lib/amazon/ssm/registration

# homelab_open: sets KUBECONFIG to the first that is there: the environment's, the machine's, the service account's.
homelab_open() {
  local candidate
  for candidate in "${KUBECONFIG:-}" "$HOMELAB_KUBECONFIG"; do
    if [[ -n $candidate && -r $candidate ]]; then
      export KUBECONFIG=$candidate
      return 0
    fi
  done
  [[ -r $HOMELAB_ACCOUNT/token ]] ||
    die "no way to the homelab's cluster: neither KUBECONFIG nor $HOMELAB_KUBECONFIG nor a service account in $HOMELAB_ACCOUNT"
  homelab_account_kubeconfig
}

# The token stays where Kubernetes renews it; the kubeconfig only names the file.
homelab_account_kubeconfig() {
  local host=${KUBERNETES_SERVICE_HOST:-kubernetes.default.svc} port=${KUBERNETES_SERVICE_PORT:-443}
  if [[ $host == *:* ]]; then host="[$host]"; fi
  export KUBECONFIG=$step_scratch/homelab.kubeconfig
  jq -n --arg server "https://$host:$port" --arg account "$HOMELAB_ACCOUNT" '{
    apiVersion: "v1", kind: "Config", "current-context": "homelab",
    clusters: [{name: "homelab", cluster: {server: $server, "certificate-authority": "\($account)/ca.crt"}}],
    users: [{name: "homelab", user: {tokenFile: "\($account)/token"}}],
    contexts: [{name: "homelab", context: {cluster: "homelab", user: "homelab"}}]}' >"$KUBECONFIG"
}

# homelab_profile FILE: sets role_key, role_secret and role_token from the default profile of a shared credentials file.
homelab_profile() {
  local line section=''
  role_key='' role_secret='' role_token=''
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line =~ ^[[:space:]]*\[[[:space:]]*(profile[[:space:]]+)?([^]]*[^][:space:]])[[:space:]]*\] ]]; then
      section=${BASH_REMATCH[2]}
    elif [[ $section == "${AWS_PROFILE:-default}" && $line =~ ^[[:space:]]*([a-z_]+)[[:space:]]*=[[:space:]]*([^[:space:]]+) ]]; then
      case ${BASH_REMATCH[1]} in
        aws_access_key_id) role_key=${BASH_REMATCH[2]} ;;
        aws_secret_access_key) role_secret=${BASH_REMATCH[2]} ;;
        aws_session_token) role_token=${BASH_REMATCH[2]} ;;
      esac
    fi
  done <"$1"
  [[ -n $role_key && -n $role_secret && -n $role_token && $role_key$role_secret$role_token =~ ^[A-Za-z0-9+/=_-]+$ ]]
}

# load_role_credentials: those that the agent keeps fresh in its shared credentials file; returns 1 while there are
# none.
load_role_credentials() {
  local file
  for file in "${AWS_SHARED_CREDENTIALS_FILE:-}" "${HOME:-/root}/.aws/credentials" /root/.aws/credentials; do
    if [[ -n $file && -r $file ]] && homelab_profile "$file"; then return 0; fi
  done
  return 1
}

# homelab_region: sets CARRIERARR_REGION from the environment or from the agent's registration.
homelab_region() {
  CARRIERARR_REGION=${CARRIERARR_REGION:-${AWS_REGION:-${AWS_DEFAULT_REGION:-}}}
  if [[ -z $CARRIERARR_REGION && -r $HOMELAB_REGISTRATION ]]; then
    CARRIERARR_REGION=$(jq -r '.Region // .region // empty' "$HOMELAB_REGISTRATION" 2>/dev/null) || CARRIERARR_REGION=''
  fi
  [[ $CARRIERARR_REGION =~ ^[a-z]{2}(-[a-z]+)+-[0-9]$ ]] ||
    die "this node does not know its AWS region: neither AWS_REGION nor $HOMELAB_REGISTRATION says it"
}

# handover_identity: who this node is at AWS, for handover.sh.
handover_identity() {
  homelab_region
}
