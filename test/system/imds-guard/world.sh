#!/bin/bash
# In network, mount and cgroup namespaces of its own: instance metadata that answers anybody, the guard as the unit
# starts it, and who gets through. Prints one line a look: WHO=yes or WHO=no.
# world.sh NODE GUARD
set -euo pipefail

readonly NODE=$1 GUARD=$2
readonly SERVER="
  const answer = (_, response) => response.end('credentials');
  const hosts = ['169.254.169.254', 'fd00:ec2::254'];
  let open = 0;
  for (const host of hosts) require('node:http').createServer(answer).listen(80, host, () => ++open === 2 && console.log('open'));
"

# look WHO ADDRESS UID
look() {
  local said=no
  if [[ $(setpriv --reuid "$3" --regid "$3" --clear-groups \
    curl --silent --noproxy '*' --max-time 3 "http://$2/") == credentials ]]; then said=yes; fi
  printf '%s=%s\n' "$1" "$said"
}

looks() {
  look "$1 root 4" 169.254.169.254 0
  look "$1 root 6" '[fd00:ec2::254]' 0
  look "$1 nobody 4" 169.254.169.254 65534
  look "$1 nobody 6" '[fd00:ec2::254]' 65534
}

mount -t tmpfs tmpfs /run
ip link set lo up
ip address add 169.254.169.254/32 dev lo
ip address add fd00:ec2::254/128 dev lo nodad
exec 3< <(exec "$NODE" --eval "$SERVER")
server=$!
trap 'kill "$server"' EXIT
read -r -t 20 _ <&3

looks open
bash "$GUARD"
looks guarded
printf 'mark=%s\n' "$(ls /run/carrierarr)"
# As `systemctl restart` does, and as somebody else's tables come and go.
bash "$GUARD"
nft add table inet others
nft delete table inet others
looks again
printf 'rules=%s\n' "$(nft list chain inet carrierarr_imds output | grep --count goto)"
# A file that the kernel refuses leaves what is there.
cp "${GUARD%/*}"/imds-guard.* /run/
printf 'table inet carrierarr_imds { chain output { ip daddr nonsense drop; }; }\n' >>/run/imds-guard.nft
if bash /run/imds-guard.sh 2>/dev/null; then printf 'refused=no\n'; else printf 'refused=yes\n'; fi
looks refused
