#!/bin/bash
# The worker agent runs and stays: one that dies at once is active for a moment each time systemd brings it back.
# shellcheck source-path=SCRIPTDIR
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/cluster.sh"
source "${BASH_SOURCE%/*}/lib/services.sh"

readonly LOOKS=4

step_begin verify-agent shared
command -v worker-agent >/dev/null ||
  die 'the image has no worker-agent: publish one that was built with it, or set agent.verify to false'
unit_require worker-agent 30
for ((look = 1; look <= LOOKS; look++)); do
  sleep 1
  unit_require worker-agent 0
done
step_put agent active
