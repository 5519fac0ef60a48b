#!/bin/bash
# What a step that only looks has found: all of it, not the first fault. Needs prologue.sh.
# shellcheck disable=SC2154 # shared with the program that this file needs

looks_faults=()
looks_notes=()

# fault CHECK WHAT GOT REMEDY: something that must be put right first.
fault() {
  log "fault: $1: $2 (got ${3:-nothing})"
  looks_faults+=("$(jq -cn --arg check "$1" --arg what "${2:0:200}" --arg got "${3:0:200}" --arg remedy "${4:0:400}" \
    '{check: $check, what: $what, got: $got, remedy: $remedy}')")
}

# note CHECK TEXT: something worth knowing that stops nobody.
note() {
  log "note: $1: $2"
  looks_notes+=("$(jq -cn --arg check "$1" --arg text "${2:0:300}" '{check: $check, text: $text}')")
}

# look ARGS...: kubectl's output into looked, without colours; its complaint into look_error.
look() {
  local complaint=$step_scratch/look
  look_error='' looked=''
  if looked=$(kube "$@" 2>"$complaint" | step_plain); then
    return 0
  fi
  look_error=$(step_plain <"$complaint" | tail -n 2 | cut -c 1-300 | paste -sd ' ')
  log "kubectl $*: $look_error"
  return 1
}

# look_for CHECK ARGS...: an object or a list as JSON in looked, empty where it does not exist; to be refused is a
# fault.
look_for() {
  if look get "${@:2}" --ignore-not-found -o json; then return 0; fi
  fault "$1" "cannot read ${*:2}" "$look_error" \
    "give the node of the homelab the right to read it: kubectl apply -k homelab/ (ClusterRole carrierarr-operator)"
  return 1
}

# look_json FILTER [JQ ARGUMENTS...]: applies a filter to what was looked at.
look_json() {
  jq -r "${@:2}" "$1" <<<"$looked"
}

# json_list JSON...: a list of them.
json_list() {
  local IFS=,
  printf '[%s]' "$*"
}

# Puts faults and notes into the verdict, and ends the step where there are faults.
faults_end() {
  local all
  step_put_json notes "$(json_list "${looks_notes[@]:0:20}")"
  all=$(json_list "${looks_faults[@]}")
  step_put_json faults "$all"
  if [[ $all == '[]' ]]; then return 0; fi
  die "$(jq -r '"\(length) fault\(if length == 1 then "" else "s" end): "
    + (map("\(.check): \(.what)\(if .got == "" then "" else ", got \(.got)" end). Remedy: \(.remedy)") | join(" | "))' <<<"$all")"
}
