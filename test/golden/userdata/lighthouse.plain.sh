#!/bin/bash
# A worker that boots Amazon Linux 2023 and installs itself, in minutes, with the scripts that make the images. Nothing
# in here is secret. cloud-init runs this file; once it has installed the boot program, that reads the settings below
# from the instance metadata line by line and never runs them.
# Ends in /run/carrierarr/boot.done or, with the reason, in boot.failed, as an image's boot does.
CARRIERARR_FLEET=carrierarr
CARRIERARR_ROLE=lighthouse
CARRIERARR_REGION=us-west-2
CARRIERARR_SECRET_PREFIX=catalyst-llm
CARRIERARR_CONTROL_PLANE=10.100.0.1:50051
CARRIERARR_READY_SECONDS=7200
CARRIERARR_BUNDLE_BUCKET=cdk-hnb659fds-assets-111122223333-us-west-2
CARRIERARR_BUNDLE_KEY=bake.tar.gz
CARRIERARR_BUNDLE_SHA256=abababababababababababababababababababababababababababababababab
export CARRIERARR_FLEET CARRIERARR_SECRET_PREFIX CARRIERARR_CONTROL_PLANE
export NEBULA_VERSION=1.9.7
export K3S_VERSION=v1.31.2+k3s1
export CILIUM_VERSION=1.16.6
export LIQO_VERSION=1.2.0
export NVIDIA_DRIVER_VERSION=580
export OLLAMA_VERSION=latest

set -euo pipefail
umask 077
export LC_ALL=C

readonly IMDS=${CARRIERARR_IMDS:-http://169.254.169.254}/latest
readonly RUN=/run/carrierarr
readonly LOG=/var/log/carrierarr/plain.log
readonly BAKE=/opt/carrierarr/bake
readonly UNITS=/etc/systemd/system
readonly DEADMAN=carrierarr-deadman-plain
readonly INSTALLED=/var/lib/carrierarr/plain
# Five seconds apart: five minutes.
readonly ATTEMPTS=60

doing='starting'

mark() {
  printf '%s %s\n' "${EPOCHREALTIME::-3}" "$1" >>"$RUN/timeline"
  printf '%s\n' "$1"
}

finish() {
  local rc=$? last
  trap - EXIT
  # The boot program has given its own verdict.
  if ((rc == 0)) || [[ -e $RUN/boot.failed ]]; then exit "$rc"; fi
  last=$(grep -v '^ *$' "$LOG" | tail -n 1 | cut -c 1-400) || true
  printf 'installation: %s ended with %d: %s\n' "$doing" "$rc" "$last" >"$RUN/.boot.failed"
  chmod 0644 "$RUN/.boot.failed"
  mv -f "$RUN/.boot.failed" "$RUN/boot.failed"
  exit "$rc"
}

open_books() {
  install -d -m 0755 "$RUN" "${BAKE%/*}" "${INSTALLED%/*}"
  install -d -m 0700 "${LOG%/*}"
  touch "$RUN/timeline"
  chmod 0644 "$RUN/timeline"
  exec >>"$LOG" 2>&1
  trap finish EXIT
}

# The switch of the image comes with the image's files; until then this one. It is on the disk: a machine that restarts
# half installed must end too.
arm_deadman() {
  printf '%s\n' '[Unit]' 'Description=Carrierarr: power off where the installation does not end' '[Service]' 'Type=oneshot' \
    "ExecCondition=/bin/sh -c '! test -s /var/lib/carrierarr/in-service'" 'ExecStart=systemctl poweroff' >"$UNITS/$DEADMAN.service"
  printf '%s\n' '[Timer]' "OnBootSec=${CARRIERARR_READY_SECONDS}s" '[Install]' 'WantedBy=timers.target' >"$UNITS/$DEADMAN.timer"
  chmod 0644 "$UNITS/$DEADMAN".*
  systemctl daemon-reload
  systemctl enable --now "$DEADMAN.timer"
}

disarm_deadman() {
  systemctl disable --now "$DEADMAN.timer"
  rm -f "$UNITS/$DEADMAN".*
  systemctl daemon-reload
}

# metadata PATH: needs $session.
metadata() {
  curl --silent --fail --noproxy '*' --max-time 3 --config - "$IMDS/$1" <<<"header = \"X-aws-ec2-metadata-token: $session\""
}

member() {
  printf '%s\n' "$credentials" | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"
}

# Sets key, secret and token of the instance's role; returns 1 while there are none.
load_credentials() {
  local session role credentials
  session=$(curl --silent --fail --noproxy '*' --max-time 3 --request PUT \
    --header 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$IMDS/api/token") || return 1
  role=$(metadata meta-data/iam/security-credentials/) || return 1
  credentials=$(metadata "meta-data/iam/security-credentials/${role%%$'\n'*}") || return 1
  key=$(member AccessKeyId) secret=$(member SecretAccessKey) token=$(member Token)
  [[ -n $key && -n $secret && -n $token ]]
}

# One signed request; credentials travel on standard input, never as arguments.
download() {
  local url=https://$CARRIERARR_BUNDLE_BUCKET.s3.$CARRIERARR_REGION.amazonaws.com/$CARRIERARR_BUNDLE_KEY
  if [[ -n ${AWS_ENDPOINT_URL:-} ]]; then url=$AWS_ENDPOINT_URL/$CARRIERARR_BUNDLE_BUCKET/$CARRIERARR_BUNDLE_KEY; fi
  load_credentials || return 1
  printf '%s = "%s"\n' \
    user "$key:$secret" \
    aws-sigv4 "aws:amz:$CARRIERARR_REGION:s3" \
    header "X-Amz-Security-Token: $token" |
    curl --silent --show-error --fail --connect-timeout 5 --max-time 300 --config - --output "$1" "$url"
}

fetch_bundle() {
  local attempt archive=$BAKE.tar.gz
  for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
    if download "$archive"; then
      sha256sum --check --status <<<"$CARRIERARR_BUNDLE_SHA256  $archive" || {
        printf 'the bundle has another checksum than %s\n' "$CARRIERARR_BUNDLE_SHA256"
        return 1
      }
      rm -rf "$BAKE"
      mkdir -p "$BAKE"
      tar --extract --gzip --file "$archive" --directory "$BAKE" --no-same-owner
      rm -f "$archive"
      return 0
    fi
    sleep 5
  done
  printf 'the bundle could not be fetched in %d attempts\n' "$ATTEMPTS"
  return 1
}

install_packages() {
  if [[ ! -d $BAKE/worker-agent ]]; then export WORKER_AGENT=none; fi
  (umask 022 && bash "$BAKE/bake.sh" --node "$CARRIERARR_ROLE")
}

# Whatever starts by itself in an image, now without a start of the machine.
start_units() {
  local list unit
  systemctl daemon-reload
  for list in base "$CARRIERARR_ROLE"; do
    [[ -e $BAKE/$list/units.txt ]] || continue
    while read -r unit; do
      case $unit in
        '' | '#'* | carrierarr-boot.service | carrierarr-warm.service) ;;
        *) systemctl start "$unit" ;;
      esac
    done <"$BAKE/$list/units.txt"
  done
}

# stage WORDS COMMAND...: what is said of a command that fails.
stage() {
  doing=$1
  "${@:2}"
}

open_books
if [[ ! -e $INSTALLED || $(<"$INSTALLED") != "$CARRIERARR_BUNDLE_SHA256" ]]; then
  rm -f "$RUN/boot.failed"
  mark plain-start
  stage 'the dead-man switch' arm_deadman
  stage 'the bundle' fetch_bundle
  mark bundle-fetched
  stage 'bake.sh' install_packages
  mark packages-installed
  stage 'the units' start_units
  disarm_deadman
  printf '%s\n' "$CARRIERARR_BUNDLE_SHA256" >"$INSTALLED"
fi
stage carrierarr-boot.service systemctl start carrierarr-boot.service
