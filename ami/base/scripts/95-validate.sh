#!/bin/bash
# Looks at what will be the image and fails the bake unless it is fit to be one. Every fault is said, not only the
# first. The last script of all: where everything is well it takes the tree away.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"
# shellcheck source=../../lib/validate.sh
source "$BAKE_DIR/lib/validate.sh"
shopt -s nullglob dotglob

readonly MINIMUM_FREE_MIB=${MINIMUM_FREE_MIB:-2048}
# Folders in which a secret could be.
readonly SEARCHED=(etc root home opt srv var usr/local)
# Keys in PEM, access keys of AWS, tokens of k3s. A line that tells of a pattern, as our own scripts do, is no match.
readonly SECRET_TEXT='^[[:space:]]*-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----|(^|[^A-Z0-9])A(KIA|SIA)[A-Z0-9]{16}([^A-Z0-9]|$)|K10[0-9a-f]{64}::|aws_secret_access_key *='

check_manifest() {
  local image
  if ! image=$(jq -er .image "$BAKE_MANIFEST" 2>/dev/null); then
    fault "$(shown "$BAKE_MANIFEST") is missing or no JSON: nobody could tell what is in the image"
  elif [[ $image != "$IMAGE" ]]; then
    fault "$(shown "$BAKE_MANIFEST") is of image $image, not $IMAGE"
  fi
}

check_machine() {
  local machine_id=$BAKE_ROOT/etc/machine-id
  if [[ ! -e $machine_id ]]; then
    fault '/etc/machine-id is missing: it must be there, and empty'
  elif [[ -s $machine_id ]]; then
    fault "/etc/machine-id holds $(stat -c %s "$machine_id") bytes: it must be empty, not even a newline"
  fi
  must_be_absent 'host key' "$BAKE_ROOT"/etc/ssh/ssh_host_*
  must_be_absent 'access' "$BAKE_ROOT"/root/.ssh/authorized_keys "$BAKE_ROOT"/home/*/.ssh/authorized_keys
  must_be_absent 'history' "$BAKE_ROOT"/root/.*_history "$BAKE_ROOT"/home/*/.*_history
  must_be_absent 'state of cloud-init' "$BAKE_ROOT"/var/lib/cloud/{instance,instances,sem}
}

check_worker() {
  must_be_empty 'mesh identity' "$BAKE_ROOT/etc/nebula"
  must_be_empty 'cluster identity' "$BAKE_ROOT/etc/rancher" "$BAKE_ROOT/var/lib/kubelet"
  must_be_absent 'cluster identity' "$BAKE_ROOT"/var/lib/rancher/k3s/server/{cred,tls,db,token,agent-token,node-token}
  must_be_absent 'state of a worker' "$BAKE_ROOT/var/lib/carrierarr"/* "$BAKE_ROOT/etc/carrierarr/node.env"
  must_be_absent 'left-over of the bake' "$BAKE_CACHE"
}

# search TEST...: files under SEARCHED, by find. Container images, what k3s has unpacked and charts bring examples of
# their own, authorities are public, and the tree goes.
search() {
  local folder folders=()
  for folder in "${SEARCHED[@]}"; do
    if [[ -d $BAKE_ROOT/$folder ]]; then folders+=("$BAKE_ROOT/$folder"); fi
  done
  find "${folders[@]}" \( -path "$BAKE_ROOT/var/lib/rancher/k3s/agent/containerd" -o -path "$BAKE_DIR" \
    -o -path "$BAKE_ROOT/var/lib/rancher/k3s/data" -o -path "$BAKE_ROOT/usr/local/share/carrierarr/charts" \
    -o -path "$BAKE_ROOT/etc/pki/ca-trust" \) -prune -o -type f "$@"
}

# By content, which is not shown, and by name where a name says enough.
check_secrets() {
  local file
  while IFS= read -r file; do
    fault "secret: $(shown "$file") holds what looks like a key or a token"
  done < <(search -exec grep -IlE -e "$SECRET_TEXT" {} +)
  while IFS= read -r file; do
    fault "secret: $(shown "$file") is called like a key"
  done < <(search \( -name id_rsa -o -name id_ecdsa -o -name id_ed25519 -o -name '*.p12' -o -name '*.pfx' \
    -o -name '*.kubeconfig' -o -path '*/rancher/*.key' -o -path '*/nebula/*.key' -o -name mok.key \) -print)
}

check_network() {
  local dropin=$BAKE_ROOT/etc/systemd/networkd.conf.d/10-cni.conf setting
  if rpm --query amazon-ec2-net-utils >/dev/null; then
    fault 'amazon-ec2-net-utils is installed: it removes the rules of Cilium and Liqo'
  fi
  for setting in ManageForeignRoutes ManageForeignRoutingPolicyRules; do
    grep -qsx "$setting=no" "$dropin" || fault "$(shown "$dropin") does not say $setting=no"
  done
  grep -qsE '^DHCP=(yes|ipv4)$' "$BAKE_ROOT"/etc/systemd/network/*.network ||
    fault '/etc/systemd/network has no file with DHCP: the machine would get no address'
  must_be_enabled systemd-networkd.service
  nft --check --file "$BAKE_ROOT/usr/local/lib/carrierarr/imds-guard.nft" ||
    fault 'imds-guard.nft is refused by nft: nothing would keep pods from the metadata'
}

check_units() {
  local units image
  for image in base "$IMAGE"; do
    [[ -e $BAKE_DIR/$image/units.txt ]] || continue
    mapfile -t units < <(bake_units "$BAKE_DIR/$image/units.txt")
    must_be_enabled "${units[@]}"
  done
}

check_files() {
  must_be_verbatim base
  if [[ $IMAGE != base ]]; then must_be_verbatim "$IMAGE"; fi
}

check_programs() {
  must_say "Version: $NEBULA_VERSION" "$BAKE_BIN/nebula" -version
  if [[ ${WORKER_AGENT:-} != none && ! -x $BAKE_BIN/worker-agent ]]; then
    fault "/usr/local/bin/worker-agent is missing: WORKER_AGENT=none makes an image without it"
  fi
}

# What ssm/lib/prologue.sh and the boot program ask of the machine, tried and not read off a version where that can be.
check_steps() {
  local agent curl
  if ! agent=$(rpm --query --queryformat '%{VERSION}' amazon-ssm-agent); then
    fault 'there is no SSM agent: the parent must be the standard AMI, not the minimal one'
  elif ! at_least "$agent" "$SSM_AGENT_MINIMUM_VERSION"; then
    fault "SSM agent $agent is older than $SSM_AGENT_MINIMUM_VERSION, which hands parameters over as variables"
  fi
  # shellcheck disable=SC2016 # for the shell that is tried
  [[ $(bash -c 'printf %s "${BASH_VERSINFO[0]}${EPOCHREALTIME:+ clock}"') =~ ^([5-9]|[1-9][0-9])\ clock$ ]] ||
    fault 'bash is older than 5, which the boot program and the steps need'
  # shellcheck disable=SC2016 # $ARGS is jq's
  [[ $(jq -nc --arg data.a 1 '$ARGS.named, $ARGS.positional' --args x 2>&1 | paste -sd ' ') == '{"data.a":"1"} ["x"]' ]] ||
    fault 'jq is missing or older than 1.6, which the steps need'
  [[ $(flock -w 1 "$BAKE_DIR/versions.env" echo held 2>&1) == held ]] || fault 'flock -w does not work: util-linux?'
  curl=$(curl --version 2>&1 | sed -n '1s/^curl \([0-9.]*\).*/\1/p')
  at_least "${curl:-0}" 7.75.0 || fault "curl ${curl:-that there is not} cannot sign requests (--aws-sigv4, 7.75)"
}

check_kernel() {
  local kernel
  kernel=$(default_kernel)
  [[ $kernel == "$(uname -r)" ]] ||
    fault "the image boots kernel $kernel, modules were made on $(uname -r): reboot before the bake, or remove the other"
  # Without repositories: dnf would fetch what they hold once more, and the image would carry it.
  grep -q '^kernel' <<<"$(dnf --quiet --disablerepo='*' versionlock list)" || fault 'no versionlock on kernel*: an update would leave its modules behind'
  must_have_modules "${BAKE_MODULES[@]}"
}

check_space() {
  local free
  free=$(df --output=avail --block-size=1M "${BAKE_ROOT:-/}" | tail -n 1)
  ((free >= MINIMUM_FREE_MIB)) || fault "$((free)) MiB are free, $MINIMUM_FREE_MIB must be: choose a larger volume"
}

check_image() {
  [[ -e $BAKE_DIR/$IMAGE/validate.sh ]] || return 0
  # shellcheck source=/dev/null
  source "$BAKE_DIR/$IMAGE/validate.sh"
  validate_image
}

main() {
  local check
  for check in manifest machine worker secrets network units files programs steps kernel space image; do
    "check_$check"
  done
  if ((validate_faults > 0)); then bake_die "$IMAGE has $validate_faults faults, see above; no image is made"; fi
  bake_say "$IMAGE is fit to be an image"
  if [[ $BAKE_DIR == "$BAKE_ROOT/opt/carrierarr/bake" ]]; then rm -rf "$BAKE_DIR"; fi
}

main
