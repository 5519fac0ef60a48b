#!/bin/bash
# A kubectl over the files below /run/world, for tests of steps that only read (world.ts). Each call is noted, so that a
# test can tell that nothing was changed. NODE and PARSE_YAML come from world.ts.
set -euo pipefail
cd /run/world
printf '%s\n' "$*" >>calls

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

# As a terminal would get it: steps must read it all the same.
print() {
  if [[ -e colour ]]; then sed -E $'s/"[^"]*"/\x1b[32m&\x1b[0m/g'; else cat; fi
}

words=() namespace='' raw='' name='' tolerant=false
while (($# > 0)); do
  case $1 in
    -n) namespace=$2 && shift ;;
    --raw) raw=$2 && shift ;;
    --kubeconfig) fail "$(<door)" ;;
    --tls-server-name) name=$2 && shift ;;
    -l | -o | --output | --filename) shift ;;
    --ignore-not-found) tolerant=true ;;
    -*) ;;
    *) words+=("$1") ;;
  esac
  shift
done
key=${words[1]:-}${namespace:+/$namespace}${words[2]:+/${words[2]}}

refused() {
  local pattern
  while read -r pattern; do
    if [[ $1 == "$pattern"* ]]; then return 0; fi
  done <denied
  return 1
}

# answer FOLDER KEY
answer() {
  [[ -e $1/${2//\//,} ]] && print <"$1/${2//\//,}"
}

[[ ! -e down ]] || fail 'The connection to the server 192.168.1.54:6443 was refused - did you specify the right host or port?'
case ${words[0]:-} in
  get)
    if [[ -n $raw ]]; then
      [[ -z $name ]] || grep -qxF -- "$name" sans ||
        fail "Unable to connect to the server: x509: certificate is valid for 192.168.1.54, not $name"
      answer raw "$raw" || fail 'Error from server (NotFound): the server could not find the requested resource'
    elif refused "$key"; then
      fail "Error from server (Forbidden): ${words[1]} is forbidden: this account cannot get it"
    else
      answer objects "$key" || $tolerant || fail "Error from server (NotFound): $key not found"
    fi
    ;;
  auth) if refused "${words[*]:2}"; then printf 'no\n' && exit 1; else printf 'yes\n'; fi ;;
  logs) answer . logs || fail 'error: timed out waiting for the condition' ;;
  annotate) "$NODE" "$PARSE_YAML" | print ;;
  *) fail "error: unknown command ${words[*]}" ;;
esac
