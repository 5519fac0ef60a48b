#!/bin/bash
# Runs beside Ollama once it has started: marks the moment it answers.
set -euo pipefail

# A fifth of a second apart: a minute.
readonly LOOKS=300

for ((look = 1; look <= LOOKS; look++)); do
  if curl --silent --fail --noproxy '*' --max-time 1 --output /dev/null "http://$OLLAMA_HOST/api/version"; then
    exec "${BASH_SOURCE%/*}/mark.sh" ollama-ready
  fi
  sleep 0.2
done
printf 'Ollama does not answer on %s after a minute\n' "$OLLAMA_HOST" >&2
exit 1
