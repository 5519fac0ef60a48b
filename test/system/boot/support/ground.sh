#!/bin/bash
# First process of the namespaces that hold everything a boot test makes. It ends with its standard input, which is the
# test's: mounts, networks and processes then go with it, also when the test was killed.
set -euo pipefail

mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir /run/netns /run/lock /run/consoles
ip link set lo up
printf 'ready\n'
exec cat >/dev/null
