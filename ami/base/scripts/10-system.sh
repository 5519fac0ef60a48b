#!/bin/bash
# What the image needs of Amazon Linux. A release of AL2023 is locked to its own repositories, so the AMI's exact name
# decides what is installed here; nothing that is there is updated, least of all the kernel.
# shellcheck source=../../lib/bake.sh
source "${BAKE_DIR:?}/lib/bake.sh"

readonly PACKAGES=(
  # The boot program and the steps. AL2023's curl is of package curl-minimal, which curl would conflict with.
  bash /usr/bin/curl jq coreutils util-linux iproute procps-ng tar gzip zstd
  # k3s, Cilium and Liqo; nftables also carries the rule on instance metadata.
  iptables-nft nftables conntrack-tools ethtool
  # Keeps the kernel where its modules were made for.
  'dnf-command(versionlock)'
)

# Modules that the kernel's main package leaves to another one.
install_modules() {
  local kernel module
  kernel=$(uname -r)
  for module in "${BAKE_MODULES[@]}"; do
    if ! modinfo -k "$kernel" -F vermagic "$module" >/dev/null 2>&1; then
      bake_packages "kernel-modules-extra-$kernel"
      return 0
    fi
  done
}

lock_kernel() {
  local locked
  locked=$(dnf --quiet versionlock list)
  if grep -q '^kernel' <<<"$locked"; then return 0; fi
  bake_dnf versionlock add 'kernel*'
}

# The agent of the AMI is kept where it is new enough; repositories of a release know no newer one.
agent_version() {
  rpm --query --queryformat '%{VERSION}' amazon-ssm-agent
}

agent_is_new_enough() {
  [[ $(printf '%s\n' "$SSM_AGENT_MINIMUM_VERSION" "$(agent_version)" | sort -V | head -n 1) == "$SSM_AGENT_MINIMUM_VERSION" ]]
}

install_agent() {
  local file=$BAKE_CACHE/amazon-ssm-agent-$SSM_AGENT_VERSION.rpm
  if ! agent_is_new_enough; then
    bake_say "SSM agent $(agent_version) is older than $SSM_AGENT_MINIMUM_VERSION"
    bake_fetch SSM_AGENT_RPM "$SSM_AGENT_VERSION" \
      "https://s3.us-east-1.amazonaws.com/amazon-ssm-us-east-1/$SSM_AGENT_VERSION/linux_amd64/amazon-ssm-agent.rpm" "$file"
    bake_dnf install "$file"
  fi
  bake_record ssm-agent "$(agent_version)"
}

main() {
  local release
  bake_check_downloads
  bake_packages "${PACKAGES[@]}"
  install_modules
  lock_kernel
  rpm --query amazon-ssm-agent >/dev/null ||
    bake_die 'there is no SSM agent: the parent must be the standard AMI of AL2023, not the minimal one'
  install_agent
  release=$(rpm --query --queryformat '%{VERSION}' system-release)
  bake_record amazon-linux "$release"
  bake_record kernel "$(uname -r)"
}

main
