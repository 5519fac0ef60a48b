#!/bin/bash
# systemd-machine.sh DIRECTORY SCRIPT: boots a throw-away machine under real systemd and runs SCRIPT on it when its boot
# has given a verdict. The machine is an overlay of this one's root with the image's files installed, in a network of its
# own; DIRECTORY/out is its /out. Needs root and systemd-nspawn. Runs in a mount namespace of its own.
#
# NODE        the Node.js binary      FAKE_AWS  program that plays instance metadata and Secrets Manager
# NEBULA      the nebula binary       NOTIFIES  `no`: that nebula is older than 1.8 and cannot tell systemd it is ready
set -euo pipefail
directory=$1
script=$2
root=$directory/root
units=$root/etc/systemd/system

mount --make-rprivate /
mkdir -p "$directory"/{layers,root,out}
mount -t tmpfs tmpfs "$directory/layers"
mkdir "$directory/layers/upper" "$directory/layers/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$directory/layers/upper,workdir=$directory/layers/work" "$root"

: >"$root/etc/machine-id"
# Nebula before 1.7 does not start when it cannot resolve a name.
printf '127.0.0.1 localhost nebula.knowledgedump.space\n' >"$root/etc/hosts"
find "$units" -path '*.wants/*' -type l -delete
cp -r ami/base/files/. ami/gpu-worker/files/. "$root/"
install -m 0755 "$NEBULA" "$root/usr/local/bin/nebula"
install -m 0755 "$script" "$root/usr/local/bin/examine"
# Programs that a gpu-worker's image would have.
mkdir -p "$root/srv/ollama/api"
printf '{"version":"0.5.7"}\n' >"$root/srv/ollama/api/version"
program() {
  printf '#!/bin/bash\n%s\n' "$2" >"$root/usr/local/bin/$1"
  chmod 0755 "$root/usr/local/bin/$1"
}
# shellcheck disable=SC2016 # the programs expand it
program k3s 'echo "k3s $*" >>/run/k3s.told; systemd-notify --ready; exec sleep infinity'
# shellcheck disable=SC2016
program ollama 'exec python3 -m http.server "${OLLAMA_HOST#*:}" --bind "${OLLAMA_HOST%:*}" --directory /srv/ollama'
# shellcheck disable=SC2016
program worker-agent 'echo "worker-agent $* to $CONTROL_PLANE_ADDR"; exec sleep infinity'
mkdir -p "$root/out" "$units/carrierarr-boot.service.d" "$units/nebula.service.d"
printf '[Service]\nEnvironment=AWS_ENDPOINT_URL=http://169.254.169.254\n' >"$units/carrierarr-boot.service.d/aws.conf"
if [[ ${NOTIFIES:-} == no ]]; then printf '[Service]\nType=exec\n' >"$units/nebula.service.d/old.conf"; fi
# A project below /tmp is hidden by the machine's own /tmp, so the machine sees it elsewhere.
project=/srv/project
mkdir -p "$root$project"
cat >"$units/fake-aws.service" <<UNIT
[Service]
ExecStartPre=$(command -v ip) address add 169.254.169.254/32 dev lo
ExecStartPre=$(command -v ip) address add 172.31.0.11/32 dev lo
ExecStart=${NODE/#$PWD/$project} --disable-warning=ExperimentalWarning ${FAKE_AWS/#$PWD/$project}
WorkingDirectory=$project
[Install]
WantedBy=multi-user.target
UNIT
cat >"$units/examine.service" <<'UNIT'
[Service]
Environment=AWS_ENDPOINT_URL=http://169.254.169.254
ExecStart=/bin/bash -c 'until ls /run/carrierarr/boot.*; do sleep 0.1; done; /usr/local/bin/examine'
ExecStopPost=systemctl poweroff --force
TimeoutStartSec=60
[Install]
WantedBy=multi-user.target
UNIT
systemctl --quiet --root="$root" enable carrierarr-boot.service fake-aws.service examine.service

# Its exit code says nothing: it complains about a directory of its own at the end.
timeout --kill-after=5 90 systemd-nspawn --quiet --directory="$root" --machine="carrierarr-$$" --register=no --keep-unit \
  --private-network --capability=CAP_NET_ADMIN,CAP_NET_RAW --bind=/dev/net/tun --bind="$directory/out:/out" \
  --bind-ro="$PWD:$project" \
  --console=read-only --boot systemd.unit=multi-user.target </dev/null >"$directory/console.log" 2>&1 || true
