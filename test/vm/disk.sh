#!/bin/bash
# disk.sh ROLE: makes disk, kernel and initrd of a virtual machine below /run/vm: Debian with cloud-init, the image's
# files over it (image.sh, whose variables are passed on). Runs in the ground's namespaces.
#
# CACHE  archive of the bare Debian; made where it is missing, which takes minutes and Debian's mirror
set -euo pipefail
role=$1
root=/run/vm/root

readonly PACKAGES=(
  systemd systemd-sysv udev kmod dbus procps iproute2 iputils-ping nftables curl jq openssl ca-certificates
  cloud-init isc-dhcp-client linux-image-cloud-amd64
)

make_debian() {
  local IFS=,
  mkdir -p "${CACHE%/*}"
  mmdebstrap --quiet --variant=minbase --include="${PACKAGES[*]}" bookworm "$CACHE.new"
  mv "$CACHE.new" "$CACHE"
}

# What the machine tells of itself at the end, on its console.
install_report() {
  cat >"$root/usr/local/bin/report" <<'END'
#!/bin/bash
until [[ -n $(compgen -G '/run/carrierarr/boot.*') && -e /run/cloud-init/result.json ]]; do sleep 0.5; done
until systemctl is-system-running | grep -q -e running -e degraded; do sleep 0.5; done
say() { sed "s/^/report $1 /"; }
{
  say mark </run/carrierarr/timeline
  tail -n +1 /run/carrierarr/boot.* | say verdict
  jq -c .v1 /run/cloud-init/result.json | say result
  systemctl --failed --plain --no-legend | say failed
  systemd-analyze | say analyze
  echo over | say is
} >/dev/ttyS0
END
  chmod 0755 "$root/usr/local/bin/report"
  printf '%s\n' '[Service]' Type=exec ExecStart=/usr/local/bin/report ExecStopPost='systemctl poweroff --force' \
    '[Install]' WantedBy=multi-user.target >"$root/etc/systemd/system/report.service"
  systemctl --quiet --root="$root" enable report.service
}

# Debian's cloud-init would generate locales, which AL2023 brings; nobody waits for it, least of all an emulator.
settle_cloud_init() {
  printf 'locale: false\n' >"$root/etc/cloud/cloud.cfg.d/90-test.cfg"
}

[[ -f $CACHE ]] || make_debian
mkdir -p "$root"
tar --extract --file "$CACHE" --directory "$root"
bash "$PROJECT/test/system/boot/support/image.sh" "$role" "$root"
install_report
settle_cloud_init
cp "$root"/boot/vmlinuz-* /run/vm/kernel
cp "$root"/boot/initrd.img-* /run/vm/initrd
mke2fs -q -t ext4 -d "$root" -E lazy_itable_init=1 /run/vm/disk 2G
rm -rf "$root"
