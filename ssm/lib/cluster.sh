#!/bin/bash
# Kubernetes as the steps see it. Every call has a limit, and what a program prints is read as plain text: neither a
# colour nor a hanging connection may decide how a step ends. Needs prologue.sh.

export KUBECONFIG=${KUBECONFIG:-/etc/rancher/k3s/k3s.yaml}
export HOME=${HOME:-/root} NO_COLOR=1 TERM=dumb

cluster_why=''

# kube_within SECONDS ARGUMENT...: kubectl, stopped after that many seconds.
kube_within() {
  local seconds=$1
  shift
  timeout --kill-after=5 "$seconds" kubectl "$@"
}

# kube ARGUMENT...: kubectl for what takes a moment.
kube() {
  kube_within 30 --request-timeout=20s "$@"
}

# kube_json ARGUMENT...: `kubectl get ARGUMENT... -o json`; nothing where --ignore-not-found finds nothing.
kube_json() {
  kube get "$@" -o json | step_plain
}

# await SECONDS PAUSE COMMAND...: asks until the command succeeds; returns 1 at the limit.
await() {
  local looks=$(($1 / $2)) pause=$2 look deadline=$((SECONDS + $1))
  shift 2
  for ((look = 0; look <= looks && SECONDS <= deadline; look++)); do
    if "$@"; then return 0; fi
    sleep "$pause"
  done
  return 1
}

api_answers() {
  [[ -s $KUBECONFIG && $(kube_within 10 get --raw /readyz | step_plain) == ok ]]
}

# cluster_open [SECONDS]: waits until the Kubernetes API answers.
cluster_open() {
  local seconds=${1:-30}
  if await "$seconds" 2 api_answers; then return 0; fi
  [[ -s $KUBECONFIG ]] || die "there was no $KUBECONFIG within $seconds s"
  die "the Kubernetes API did not answer within $seconds s: $(api_last_words)"
}

api_last_words() {
  { kube_within 10 get --raw /readyz 2>&1 || true; } | step_plain | tail -n 1 | cut -c 1-300
}

# node_ready NODE
node_ready() {
  local conditions='first(.status.conditions[]? | select(.type == "Ready") | .status)'
  [[ $(kube_json node "$1" --ignore-not-found | jq -r "$conditions") == True ]]
}

# cluster_await_node NODE SECONDS: returns 1 when it was not Ready by then.
cluster_await_node() {
  await "$2" 2 node_ready "$1"
}

# One line per condition that speaks against the node.
node_faults() {
  kube_json node "$1" --ignore-not-found | jq -rs '
    def line: tostring | gsub("\\s+"; " ");
    if length == 0 then "there is no such node"
    else .[0].status.conditions[]? |
      select(if .type == "Ready" then .status != "True" else .status == "True" and (.type | endswith("Pressure")) end) |
      "\(.type) is \(.status): \(.message // .reason // "" | line)"
    end'
}

# One line per pod that is not ready and has not ended well: what it waits for, what its containers died of.
pod_faults() {
  kube_json pods "$@" | jq -r '
    def line: tostring | gsub("\\s+"; " ") | .[:300];
    def state: to_entries[] | .value | [.reason, .message, (.exitCode // empty | "exit code \(.)")] | map(select(.)) | join(": ");
    def container: "container \(.name): " + ([
        (.state // {} | state),
        (.lastState // {} | select(has("terminated")) | "before: " + state),
        (.restartCount // 0 | select(. > 0) | "\(.) restarts")
      ] | join(", "));
    .items[] | select(.status.phase != "Succeeded") |
    select(any(.status.conditions[]?; .type == "Ready" and .status == "True") | not) |
    "\(.metadata.namespace)/\(.metadata.name) is \(.status.phase // "Unknown"): " + ([
      .status.reason, .status.message,
      (.status.conditions[]? | select(.type == "PodScheduled" and .status == "False") | "\(.reason): \(.message)"),
      ((.status.initContainerStatuses // [])[], (.status.containerStatuses // [])[] | select(.ready != true) | container)
    ] | map(select(.) | line) | join("; "))'
}

# The latest warnings, oldest first, each once.
event_faults() {
  kube_json events "$@" | jq -r '
    [.items[] | select(.type == "Warning")] | sort_by(.lastTimestamp // .eventTime // "") |
    map("\(.involvedObject.kind)/\(.involvedObject.name): \(.reason): \(.message // "" | gsub("\\s+"; " ") | .[:300])") |
    reduce .[] as $each ([]; . - [$each] + [$each]) | .[-8:][]'
}

# explain_pods ARGUMENT...: logs what is not ready among the pods that those arguments of `kubectl get` select, and the
# latest warnings there (-n, -A; a selector is for pods only). Sets cluster_why to the gist, for a reason.
explain_pods() {
  local pods events scope=()
  pods=$(pod_faults "$@") || pods='kubectl cannot list the pods'
  while (($# > 0)); do
    case $1 in
      -A) scope+=(-A) ;;
      -n) scope+=(-n "$2") ;;
    esac
    shift
  done
  events=$(event_faults "${scope[@]}") || events=''
  log "pods that are not ready:"$'\n'"${pods:-none}"
  log "latest warnings:"$'\n'"${events:-none}"
  cluster_why=${pods:-${events:-every pod there is ready}}
  cluster_why=$(head -n 4 <<<"$cluster_why" | paste -sd '|' | sed 's/|/ | /g' | cut -c 1-700)
}
