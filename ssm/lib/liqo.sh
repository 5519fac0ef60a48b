#!/bin/bash
# liqoctl as the steps see it, and what Liqo says of itself. liqoctl exits with 0 whatever state a peering is in, so
# nothing here is judged by its exit code alone. Needs prologue.sh and cluster.sh.
# shellcheck disable=SC2034,SC2154 # shared with the programs that source this file; the agent sets SSM_<Parameter>

readonly LIQO_NAMESPACE=liqo
readonly FOREIGN_CLUSTERS=foreignclusters.core.liqo.io

liqo_faults=()

# liqo SECONDS ARGUMENT...: liqoctl, stopped after that many seconds; its talk goes into the log.
liqo() {
  local seconds=$1
  shift
  timeout --kill-after=5 "$seconds" liqoctl "$@"
}

# liqo_json SECONDS ARGUMENT...: what `liqoctl ARGUMENT... -o json` prints, without colours.
liqo_json() {
  liqo "$@" -o json | step_plain
}

# has_kind PLURAL.GROUP: whether the cluster knows that kind.
has_kind() {
  [[ -n $(kube get customresourcedefinition "$1" --ignore-not-found -o name | step_plain) ]]
}

# The version in place; nothing where Liqo is not installed.
liqo_version() {
  kube_json deployments -n "$LIQO_NAMESPACE" --ignore-not-found | jq -r '
    first(.items[]?.spec.template.spec.containers[].image | select(test("/liqo-controller-manager:")) | split(":") | last)'
}

# What liqoctl and the ForeignCluster say of the peering with $id; one line for each thing that speaks against it. A
# module that is on and says nothing is not healthy yet, although liqoctl calls it so. $role: what the other side must be.
# shellcheck disable=SC2016 # the variables are jq's
readonly LIQO_JUDGE='
  def met: .status == "Established" or .status == "Ready";
  def conditions: .conditions // [];
  def told: "\(.type) is \(.status): \(.message // .reason // "no reason given")";
  def heard: fromjson? // null;
  {$id, info: ($info | heard), peer: ($peer | heard // {} | .[$id]), foreign: ($foreign | heard)} as $state |
  (if $networking == "true" then "Healthy" else "Disabled" end) as $network |
  {networking: $network, authentication: "Healthy", offloading: "Healthy"} as $wanted |
  [ (if $state.info == null then "liqoctl info gives no answer"
     elif $state.info.health.healthy != true then
       "Liqo is unhealthy here: " + ([$state.info.health.unhealthyPods // {} | to_entries[] |
         "\(.key) \(.value.status) \(.value.readyContainers)/\(.value.totalContainers)"] | join(", "))
     else empty end),
    (if $state.foreign == null then "there is no ForeignCluster \($state.id)"
     else $state.foreign.status as $status |
       (if ($status.role // "") | . == $role or . == "ConsumerAndProvider" then empty
        else "\($state.id) has the role \($status.role // "Unknown") instead of \($role)" end),
       ($status | conditions[] | select(met | not) | told),
       ($wanted | to_entries[] | .key as $part | .value as $want | ($status.modules[$part] // {}) as $is |
         if $want == "Disabled" then (if $is.enabled == true then "\($part) is on, although it shall be off" else empty end)
         elif $is.enabled != true then "\($part) is not enabled"
         elif ($is | conditions | length) == 0 then "\($part) says nothing of its state yet"
         else $is | conditions[] | select(met | not) | "\($part): \(told)" end)
     end),
    (first($state.info.peerings.peers[]? | select(.clusterID == $state.id)) // null |
      if . == null then (if $state.info == null then empty else "liqoctl info knows no peering with \($state.id)" end)
      else . as $seen | $wanted | to_entries[] | select($seen[.key + "Status"] != .value) |
        "liqoctl info calls \(.key) \($seen[.key + "Status"] // "nothing") instead of \(.value)" end),
    ($state.peer // {} | (.network, .authentication, .offloading) // {} | .alerts[]? | "alert: \(.)")
  ] | unique_by(.) | .[]'

# liqo_peer_health ID NETWORKING [ROLE]: fills liqo_faults; returns 1 where something speaks against the peering.
liqo_peer_health() {
  local info peer foreign faults
  info=$(liqo_json 30 info) || info=''
  peer=$(liqo_json 30 info peer "$1") || peer=''
  foreign=$(kube_json "$FOREIGN_CLUSTERS" "$1" --ignore-not-found) || foreign=''
  # What cannot be judged is not healthy.
  faults=$(jq -rn --arg id "$1" --arg networking "$2" --arg role "${3:-Provider}" --arg info "$info" --arg peer "$peer" \
    --arg foreign "$foreign" "$LIQO_JUDGE") ||
    faults="what Liqo says of $1 cannot be read"
  liqo_faults=()
  if [[ -n $faults ]]; then mapfile -t liqo_faults <<<"$faults"; fi
  ((${#liqo_faults[@]} == 0))
}

# liqo_faults_json: liqo_faults for a verdict.
liqo_faults_json() {
  if ((${#liqo_faults[@]} == 0)); then
    printf '[]'
  else
    printf '%s\n' "${liqo_faults[@]}" | cut -c 1-300 | jq -Rnc '[inputs | {what: .}]'
  fi
}

# liqo_faults_line: liqo_faults as one sentence.
liqo_faults_line() {
  local line
  printf -v line '%s; ' "${liqo_faults[@]:-nothing speaks against it}"
  printf '%s' "${line%; }"
}

# What gives this step its rights, where it runs in the homelab, which binds them only while they are needed.
liqo_rights=''

# What keeps liqoctl from its work, out of the last words it logged: rights are the homelab's to give.
liqo_last_words() {
  local words
  words=$(tail -c "+$((step_log_start + 1))" "$step_log" | tail -c 8192 | step_plain |
    grep -E '(ERRO|[Ee]rror|[Ff]orbidden|refused|timed out|unknown flag)' | tail -n 2 | paste -sd ' ' | cut -c 1-400) || true
  printf '%s' "$words"
  if [[ -n $liqo_rights && $words == *[Ff]orbidden* ]]; then
    printf ' (this node lacks the rights: %s at home, then try again; docs/homelab.md)' "$liqo_rights"
  fi
}
