#!/bin/bash
# What the node's agent shows the control plane: from the secret's agent_token to a file that it reads at every connect.
# A secret without it is that of a fleet without tokens. Needs private.sh and `log`.
# shellcheck disable=SC2154 # shared with the programs that source this file

readonly AGENT_TOKEN_FILE=/run/carrierarr/agent-token

agent_token=''

# Reads it out of secret_json, which identity_load takes apart and forgets: so before that. What is no JSON object is for
# identity_load to complain about.
agent_token_load() {
  agent_token=$(printf %s "$secret_json" | jq -r 'objects | .agent_token | strings' 2>/dev/null) || agent_token=''
  if [[ -z $agent_token || $agent_token =~ ^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$ ]]; then return 0; fi
  log "the secret's agent_token is no token: the agent goes without one"
  agent_token=''
}

# Whether the agent is let in without it is for the control plane to say.
agent_token_keep() {
  if [[ -z $agent_token ]]; then
    rm -f "$AGENT_TOKEN_FILE"
    return 0
  fi
  keep_private "$AGENT_TOKEN_FILE" "$agent_token"
  agent_token=''
}
