#!/bin/bash
# image.sh IMAGE [ROOT]: lays out /run/images/IMAGE, which a machine has over this machine's own root: the image's files
# as they are, its units enabled as the bake enables them, stand-ins for what cannot run here. With ROOT all that is put
# into a root of its own, for a virtual machine. Image `plain` is what Amazon Linux would have before anything of ours,
# with stand-ins for its packages. Runs in the ground's namespaces.
#
# PROJECT    the repository                         NEBULA    the nebula binary
# AGENT      the worker agent's executable; without it a stand-in
# AUTHORITY  certificate of the machine's own AWS   NOTIFIES  `no`: that nebula cannot tell systemd that it is ready
# SANDBOX    folder of the stand-ins that image `plain` gets (test/ami/support)
# DEVICE     a [Match] line for its network device, in place of EC2's drivers
set -euo pipefail
image=$1
layer=/run/images/$image
root=${2:-/run/images/$image.root}
units=$root/etc/systemd/system

# drop_in UNIT LINE...
drop_in() {
  mkdir -p "$units/$1.d"
  printf '%s\n' "${@:2}" >"$units/$1.d/test.conf"
}

# What EC2's network driver is matched by is nothing a container has.
drop_in_network() {
  mkdir -p "$root/etc/systemd/network/80-ec2.network.d"
  printf '%s\n' "$@" >"$root/etc/systemd/network/80-ec2.network.d/test.conf"
}

# Nothing that this machine runs may start, and nothing that only makes the boot longer.
silence_the_host() {
  local unit
  find "$units" -path '*.wants/*' -type l -delete
  for unit in console-getty systemd-logind systemd-user-sessions systemd-update-utmp systemd-update-utmp-runlevel \
    systemd-remount-fs systemd-pstore systemd-sysusers systemd-hostnamed polkit; do
    ln -sf /dev/null "$units/$unit.service"
  done
  ln -sf /dev/null "$units/systemd-tmpfiles-clean.timer"
}

install_image() {
  local folder unit
  for folder in base "$image"; do
    if [[ -d $PROJECT/ami/$folder/files ]]; then cp -r --no-preserve=ownership "$PROJECT/ami/$folder/files/." "$root/"; fi
    if [[ ! -f $PROJECT/ami/$folder/units.txt ]]; then continue; fi
    while read -r unit; do
      systemctl --quiet --root="$root" enable "$unit"
    done < <(grep -Ev '^[[:space:]]*(#|$)' "$PROJECT/ami/$folder/units.txt")
  done
}

# What a machine has that is to install itself: cloud-init, which runs its user data, and a way to its metadata.
install_plain() {
  local name
  printf '[Match]\nName=ens5\n[Network]\nDHCP=ipv4\n' >"$root/etc/systemd/network/80-ec2.network"
  for name in "$SANDBOX"/bin/*; do
    case ${name##*/} in
      curl | systemctl | nft | journalctl) ;;
      *) install -m 0755 "$name" "$root/usr/local/bin/" ;;
    esac
  done
  mkdir -p "$root/srv/sandbox"
  cp -r "$SANDBOX"/{says,fails,packages,modules,calls} "$root/srv/sandbox/"
  install -m 0755 "$PROJECT/test/system/boot/support/programs/cloud-init" "$root/usr/local/bin/"
  printf '%s\n' '[Service]' Type=oneshot Environment=SANDBOX=/srv/sandbox ExecStart=/usr/local/bin/cloud-init \
    '[Install]' WantedBy=multi-user.target >"$units/cloud-final.service"
  systemctl --quiet --root="$root" enable cloud-final.service
}

# As on EC2: one device, its address by DHCP.
install_network() {
  : >"$root/etc/machine-id"
  rm -f "$root/etc/hostname"
  printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
  rm -f "$root/etc/resolv.conf"
  printf 'nameserver 172.31.0.1\n' >"$root/etc/resolv.conf"
  drop_in_network '[Match]' Driver= "$DEVICE"
  systemctl --quiet --root="$root" enable systemd-networkd.service
  systemctl --quiet --root="$root" disable systemd-networkd-wait-online.service
  printf '%s\n' "$AUTHORITY" >>"$root/etc/ssl/certs/ca-certificates.crt"
}

install_stand_ins() {
  install -m 0755 "$NEBULA" "$root/usr/local/bin/nebula"
  mkdir -p "$root/srv/ollama/api"
  printf '{"version":"0.5.7"}\n' >"$root/srv/ollama/api/version"
  install -m 0755 "$PROJECT"/test/system/boot/support/programs/* "$root/usr/local/bin/"
  if [[ -n ${AGENT:-} ]]; then install -m 0755 "$AGENT" "$root/usr/local/bin/worker-agent"; fi
}

if [[ -z ${2:-} ]]; then
  mkdir -p "$layer" "$layer.work" "$root"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$layer,workdir=$layer.work" "$root"
  silence_the_host
fi
if [[ $image == plain ]]; then
  install_plain
else
  install_image
  install_stand_ins
fi
install_network
if [[ $NOTIFIES == no ]]; then drop_in nebula.service '[Service]' Type=exec; fi
if [[ -z ${2:-} ]]; then umount "$root"; fi
