#!/bin/bash
# Questions about the mesh device. Needs `log`.

readonly MESH_DEVICE=nebula0

# Addresses the device carries, without mask; nothing while there is no device.
mesh_addresses() {
  { ip -4 -o addr show dev "$MESH_DEVICE" 2>/dev/null || true; } | sed -n 's/.* inet \([0-9.]*\)\/.*/\1/p'
}

# mesh_await_address ADDRESS ATTEMPTS: half a second apart; returns 1 when the device never got it.
mesh_await_address() {
  local attempt
  for ((attempt = 1; attempt <= $2; attempt++)); do
    # No pipe into grep -q: it leaves early, and the pipe's failure would count.
    if grep -qxF "$1" <<<"$(mesh_addresses)"; then return 0; fi
    sleep 0.5
  done
  return 1
}
