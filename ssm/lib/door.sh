#!/bin/bash
# The way to the other cluster's API server: directly, or through the mesh door. Needs cluster.sh and handover.sh.
# shellcheck disable=SC2034 # shared with the programs that source this file

readonly DOOR_STEP_SECONDS=5

door_words=''

# door_try KUBECONFIG: asks the other API server whether it lives.
door_try() {
  local answer
  if answer=$(timeout --kill-after=5 15 kubectl --kubeconfig "$1" --request-timeout=10s get --raw /livez 2>&1); then
    return 0
  fi
  door_words=$(step_plain <<<"$answer" | sed '/^$/d' | tail -n 1 | cut -c 1-300)
  return 1
}

# door_listens PROXY: whether anybody is at the door. kubectl words a refusal by the door like one by the worker.
door_listens() {
  local address=${1#*://}
  timeout 5 bash -c "exec 3<>/dev/tcp/${address%:*}/${address##*:}" 2>/dev/null
}

# door_fault URL PROXY: what door_words means. Through a proxy three things can be shut, and each has another remedy.
door_fault() {
  local worker="the API server at ${1:-the other cluster} does not answer"
  if [[ -z $2 ]]; then
    printf '%s: %s' "$worker" "$door_words"
    return 0
  fi
  local proxy=${2#*://}
  if [[ $door_words == *'was refused'* ]] && ! door_listens "$2"; then door_words="proxyconnect: $door_words"; fi
  case $door_words in
    *proxyconnect* | *"dial tcp $proxy"* | *'no such host'*)
      printf 'the mesh door %s does not answer: is its Deployment up in the homelab? (%s)' "$2" "$door_words"
      ;;
    *Unauthorized* | *'forbidden:'* | *'must be logged in'*)
      printf 'the API server answers through the mesh door, but refuses the credential (%s)' "$door_words"
      ;;
    *Forbidden* | *'no allowed source'* | *'mesh address'* | *'own address'* | *'is not among'*)
      printf 'the mesh door %s refuses to connect there: its lists of sources, ranges and ports are closed (%s)' "$2" "$door_words"
      ;;
    *)
      printf '%s behind the mesh door %s: is the worker in the mesh, and the Nebula lighthouse up? (%s)' "$worker" "$2" "$door_words"
      ;;
  esac
}

# door_await KUBECONFIG SECONDS: a lighthouse that starts again is away for half a minute; returns 1 at the limit.
door_await() {
  await "$2" "$DOOR_STEP_SECONDS" door_try "$1"
}
