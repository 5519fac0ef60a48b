#!/bin/bash
# First process of a node, in systemd's place: adopts what daemons leave behind and buries it. Killing everything else
# on the node ends the sleep, never this.
printf 'up\n'
exec >/dev/null 2>&1
while :; do
  sleep infinity &
  wait "$!"
done
