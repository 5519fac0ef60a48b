#!/bin/bash
# What an image must not carry on to its instances: identities, keys, traces of the bake. The tree goes last, when
# 95-validate.sh has used it.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"
shopt -s nullglob dotglob

# gone PATH...: what matches goes; that nothing does is fine.
gone() {
  rm -rf "$@"
}

# emptied FOLDER...: its contents go, itself stays with its rights.
emptied() {
  local folder
  for folder in "$@"; do
    if [[ -d $folder ]]; then find "$folder" -mindepth 1 -delete; fi
  done
}

forget_packages() {
  bake_dnf clean all
  emptied "$BAKE_ROOT/var/cache/dnf"
  gone "$BAKE_CACHE"
}

# Every instance makes its own; dkms makes its key for signing modules where it needs one. The file must be there and
# have nothing in it: systemd refuses a lone newline.
forget_machine() {
  gone "$BAKE_ROOT"/etc/ssh/ssh_host_* "$BAKE_ROOT/var/lib/dbus/machine-id" "$BAKE_ROOT/etc/hostname" \
    "$BAKE_ROOT/var/lib/systemd/random-seed" "$BAKE_ROOT/var/lib/systemd/credential.secret" "$BAKE_ROOT/var/lib/dkms/mok.key"
  : >"$BAKE_ROOT/etc/machine-id"
}

# cloud-init takes an instance with these for one it has set up already. The agent's keys of its registration are not
# those of the session that may be running this.
forget_cloud() {
  gone "$BAKE_ROOT"/var/lib/cloud/{data,instance,instances,sem} "$BAKE_ROOT"/var/log/cloud-init*.log
  emptied "$BAKE_ROOT/var/lib/amazon/ssm/Vault"
}

forget_people() {
  local home
  for home in "$BAKE_ROOT/root" "$BAKE_ROOT"/home/*; do
    gone "$home"/.ssh "$home"/.*_history "$home"/.aws "$home"/.kube "$home"/.docker "$home"/.cache "$home"/.config \
      "$home"/.wget-hsts "$home"/.lesshst "$home"/.viminfo "$home"/.rancher "$home"/.ollama
  done
}

# The mesh's and the cluster's: what the image brings itself (manifests, images, what k3s has unpacked) stays.
forget_worker() {
  # Runs where the parent is an image of ours, and would write down each minute how long this machine has lived.
  systemctl stop carrierarr-deadman.timer carrierarr-deadman.service
  local server=$BAKE_ROOT/var/lib/rancher/k3s/server agent=$BAKE_ROOT/var/lib/rancher/k3s/agent
  emptied "$BAKE_ROOT/etc/nebula" "$BAKE_ROOT/etc/rancher" "$BAKE_ROOT/etc/worker-agent" "$BAKE_ROOT/var/lib/kubelet" \
    "$BAKE_ROOT/var/lib/carrierarr" "$BAKE_ROOT/etc/cni" "$BAKE_ROOT/var/lib/cni"
  gone "$BAKE_ROOT/etc/carrierarr/node.env" "$agent"/*.{crt,key,kubeconfig,yaml} "$agent"/{etc,pod-manifests,images}
  if [[ -d $server ]]; then find "$server" -mindepth 1 -maxdepth 1 ! -name manifests -exec rm -rf {} +; fi
}

# Programs that are writing keep their files open, so logs are cut and not removed; /tmp is memory. The journal begins
# anew at once, with the rest of the bake.
forget_logs() {
  emptied "$BAKE_ROOT/var/log/journal" "$BAKE_ROOT/var/log/carrierarr" "$BAKE_ROOT/var/log/amazon"
  if [[ -d $BAKE_ROOT/var/log ]]; then find "$BAKE_ROOT/var/log" -type f -exec truncate --size 0 {} +; fi
  if [[ -d $BAKE_ROOT/var/tmp ]]; then
    find "$BAKE_ROOT/var/tmp" -mindepth 1 -maxdepth 1 ! -name 'systemd-private-*' -exec rm -rf {} +
  fi
}

main() {
  forget_packages
  forget_machine
  forget_cloud
  forget_people
  forget_worker
  forget_logs
}

main
