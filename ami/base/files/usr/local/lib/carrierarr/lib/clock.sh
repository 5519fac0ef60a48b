#!/bin/bash
# Time that only goes forward. Early in a boot the wall clock may still jump, and bash's SECONDS with it.
# shellcheck disable=SC2034 # shared with the programs that source this file

clock_seconds=0

# Sets clock_seconds to the seconds since the machine started.
clock_read() {
  local up
  read -r up _ </proc/uptime
  clock_seconds=${up%.*}
}
