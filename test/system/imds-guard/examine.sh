#!/bin/bash
# On the machine: who gets the credentials, and whether k3s starts. One line a look: WHO=yes or WHO=no.
set -euo pipefail
exec >/opt/seen 2>/opt/errors

readonly SERVER="require('node:http').createServer((_, response) => response.end('credentials')).listen(80)"

# look WHO COMMAND...: COMMAND runs curl somewhere.
look() {
  local who=$1 said=no
  shift
  if [[ $("$@" curl --silent --noproxy '*' --max-time 1 http://169.254.169.254/) == credentials ]]; then said=yes; fi
  printf '%s=%s\n' "$who" "$said"
}

# As kubelet does, by way of runc: a slice made at run time, and a scope below it for each container. Without a bus the
# scope alone brings the slice.
make_slice() {
  systemctl start dbus.socket || return 0
  busctl --quiet call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager \
    StartTransientUnit 'ssa(sv)a(sa(sv))' kubepods.slice replace 1 MemoryAccounting b true 0
}

started() {
  if systemctl start k3s.service; then printf '%s=yes\n' "$1"; else printf '%s=no\n' "$1"; fi
}

ip link set lo up
# Metadata, a neighbour in the mesh, somebody in the internet.
for address in 169.254.169.254 10.100.0.1 203.0.113.9; do ip address add "$address/32" dev lo; done
systemd-run --quiet --unit=metadata "$NODE" --eval "$SERVER"
for ((try = 0; try < 100; try++)); do
  if curl --silent --noproxy '*' --max-time 1 --output /dev/null http://169.254.169.254/; then break; fi
  sleep 0.1
done
make_slice
readonly SERVICE=(systemd-run --quiet --wait --pipe --collect) POD=--slice=kubepods-besteffort-pod1.slice
look 'root of a service' "${SERVICE[@]}"
look 'nobody of a service' "${SERVICE[@]}" --uid=65534
look 'root of a container' systemd-run --quiet --scope --collect --property=Delegate=yes "$POD"
look 'root of a burstable container' systemd-run --quiet --scope --collect --slice=kubepods-burstable-pod2.slice
started 'k3s with the guard'
before=$(systemctl show --property=MainPID k3s.service)
systemctl restart carrierarr-imds-guard.service
if [[ $(systemctl show --property=MainPID k3s.service) == "$before" ]]; then printf 'k3s runs on=yes\n'; fi
look 'nobody after a restart' "${SERVICE[@]}" --uid=65534
# What the agent may, it finds out for itself.
systemctl start worker-agent.service
cat /run/worker-agent/looks
systemctl show --property=Result --property=NRestarts worker-agent.service | sed 's/^/agent /'
systemctl stop k3s.service
# As after a start of the machine at which the kernel took no rules.
rm /run/carrierarr/imds-guarded
systemctl stop carrierarr-imds-guard.service
look 'nobody after a stop' "${SERVICE[@]}" --uid=65534
printf 'nonsense\n' >/usr/local/lib/carrierarr/imds-guard.nft
started 'k3s without the guard'
look 'root without the guard' "${SERVICE[@]}"
