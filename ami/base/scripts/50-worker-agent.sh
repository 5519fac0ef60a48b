#!/bin/bash
# The worker agent, from where it was built. Its unit lies in files/; the boot program starts it.
# WORKER_AGENT=none makes an image without it.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"

readonly PROGRAM=$BAKE_DIR/worker-agent/worker-agent
# The file's first twenty bytes: 64 bit, little-endian, and x86-64 as its machine.
readonly ELF_X86_64='^7f454c460201.{20}.{4}3e00$'

main() {
  local head sum
  if [[ ${WORKER_AGENT:-} == none ]]; then
    bake_say 'WORKER_AGENT=none: the image has no worker agent and its workers will not report to the control plane'
    bake_record worker-agent none
    return 0
  fi
  [[ -f $PROGRAM ]] ||
    bake_die "there is no $PROGRAM: build the worker agent for linux/amd64 and put it there, or set WORKER_AGENT=none"
  head=$(head -c 20 "$PROGRAM" | od -An -v -tx1 | tr -d ' \n')
  [[ $head =~ $ELF_X86_64 ]] || bake_die "$PROGRAM is no program for linux/amd64"
  bake_place "$PROGRAM" "$BAKE_BIN/worker-agent" 0755
  sum=$(sha256sum "$PROGRAM")
  bake_record worker-agent built "${sum%% *}"
}

main
