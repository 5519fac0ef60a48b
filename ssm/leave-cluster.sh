#!/bin/bash
# On the server: a node leaves. Its pods are given time to go; then the node object is deleted whatever they did, since
# the machine goes in any case. A node that is not there has left already.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2154 # the agent sets SSM_<Parameter>
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"

# kubectl takes a time-out of 0 for none at all.
drain() {
  local seconds=$((10#$SSM_DrainSeconds)) said rc=0
  if ((seconds == 0)); then
    step_put_json drained false
    return 0
  fi
  said=$(kube_within $((seconds + 15)) drain "$SSM_NodeName" \
    --ignore-daemonsets --delete-emptydir-data --force --timeout="${seconds}s" 2>&1 | step_plain) || rc=$?
  log "$said"
  if ((rc == 0)); then
    step_put_json drained true
    return 0
  fi
  step_put_json drained false
  step_put drainFault "$(grep -v '^ *$' <<<"$said" | tail -n 1 | cut -c 1-300)"
}

node_gone() {
  [[ -z $(kube get node "$SSM_NodeName" --ignore-not-found -o name | step_plain) ]]
}

step_begin leave-cluster exclusive
step_require NodeName '^[a-z][a-z0-9-]{0,62}$'
step_require DrainSeconds '^[0-9]{1,6}$'
cluster_open 20
if [[ -z $(kube get node "$SSM_NodeName" --ignore-not-found -o name | step_plain) ]]; then
  step_put node absent
  exit 0
fi
drain
kube delete node "$SSM_NodeName" --ignore-not-found --wait=false || die "node $SSM_NodeName cannot be deleted"
await 20 2 node_gone || die "node $SSM_NodeName is still there 20 s after its deletion"
step_put node deleted
