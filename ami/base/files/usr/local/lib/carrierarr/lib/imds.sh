#!/bin/bash
# Instance metadata, version 2 only. Answers go into variables instead of through $( ), so that `die` ends the program
# and not a subshell. Needs `log` and `die`.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2034 # shared with the programs that source this file
source "${BASH_SOURCE%/*}/clock.sh"

readonly IMDS_ENDPOINT=${CARRIERARR_IMDS:-http://169.254.169.254}
readonly IMDS_LIMIT_SECONDS=60
# As many as fit into the limit where each fails at once.
readonly IMDS_ATTEMPTS=155
readonly IMDS_QUICK_ATTEMPTS=40

imds_session=''
imds_status=''
imds_body=''

# Runs curl and takes its answer apart. The token goes in on standard input: arguments are readable in `ps`.
imds_call() {
  local answer
  answer=$(curl --silent --noproxy '*' --connect-timeout 1 --max-time 3 --write-out '\n%{http_code}' --config - "$@") ||
    answer=$'\n000'
  imds_status=${answer##*$'\n'}
  imds_body=${answer%$'\n'*}
}

# Opens a session; the metadata service may answer later than the first program starts: at first it is asked every
# 50 ms, since the whole boot waits for the network here, then twice a second.
imds_open() {
  local attempt pause=0.05 deadline
  clock_read
  deadline=$((clock_seconds + IMDS_LIMIT_SECONDS))
  for ((attempt = 1; attempt <= IMDS_ATTEMPTS && clock_seconds < deadline; attempt++)); do
    imds_call --request PUT "$IMDS_ENDPOINT/latest/api/token" <<<'header = "X-aws-ec2-metadata-token-ttl-seconds: 900"'
    if [[ $imds_status == 200 && -n $imds_body ]]; then
      imds_session=$imds_body
      return 0
    fi
    if ((attempt == IMDS_QUICK_ATTEMPTS)); then pause=0.5; fi
    sleep "$pause"
    clock_read
  done
  die "instance metadata at $IMDS_ENDPOINT gave no session within $IMDS_LIMIT_SECONDS s (last status $imds_status)"
}

# imds_get PATH: puts the value into imds_body; returns 1 where the instance has no such value.
imds_get() {
  local attempt
  for ((attempt = 1; attempt <= 10; attempt++)); do
    imds_call "$IMDS_ENDPOINT/latest/$1" <<<"header = \"X-aws-ec2-metadata-token: $imds_session\""
    case $imds_status in
      200) return 0 ;;
      404) return 1 ;;
      401) imds_open ;;
      *) sleep 0.2 ;;
    esac
  done
  die "instance metadata does not hand out $1 (last status $imds_status)"
}

readonly SETTINGS=(CARRIERARR_FLEET CARRIERARR_ROLE CARRIERARR_REGION CARRIERARR_SECRET_PREFIX CARRIERARR_CONTROL_PLANE)
# Read by others: the dead-man switch, and the user data itself where it does without our image.
readonly FURTHER_SETTINGS=' CARRIERARR_READY_SECONDS CARRIERARR_BUNDLE_BUCKET CARRIERARR_BUNDLE_KEY CARRIERARR_BUNDLE_SHA256 '

# Reads the settings out of the user data without running it: known names and harmless characters only.
load_settings() {
  local line name missing='' settings=" ${SETTINGS[*]} "
  for name in "${SETTINGS[@]}"; do printf -v "$name" ''; done
  imds_get user-data || die 'the instance has no user data: launch it from the launch template of the fleet'
  while IFS= read -r line; do
    [[ $line =~ ^(CARRIERARR_[A-Z0-9_]+)=([A-Za-z0-9_./:+-]+)$ ]] || continue
    name=${BASH_REMATCH[1]}
    if [[ $settings == *" $name "* ]]; then
      printf -v "$name" '%s' "${BASH_REMATCH[2]}"
    elif [[ $FURTHER_SETTINGS != *" $name "* ]]; then
      log "user data: unknown setting $name ignored"
    fi
  done <<<"$imds_body"
  for name in "${SETTINGS[@]}"; do
    [[ -n ${!name} ]] || missing+=" $name"
  done
  [[ -z $missing ]] || die "user data lacks$missing"
}

# The worker's name comes from the instance's tags, since a fleet request carries no user data per instance.
load_worker_name() {
  local attempt
  for ((attempt = 1; attempt <= 10; attempt++)); do
    if imds_get meta-data/tags/instance/carrierarr:worker; then
      worker_name=$imds_body
      [[ $worker_name =~ ^[a-z][a-z0-9-]{0,47}$ ]] || die 'tag carrierarr:worker holds no worker name'
      return 0
    fi
    sleep 1
  done
  die 'the instance shows no tag carrierarr:worker: tag missing, or instance tags in metadata switched off'
}

# Sets role_key, role_secret and role_token; returns 1 while the instance profile is not there yet. Secrets never go
# through a here-string: bash writes a long one to a file.
load_role_credentials() {
  local path=meta-data/iam/security-credentials parts
  imds_get "$path/" || return 1
  imds_get "$path/${imds_body%%$'\n'*}" || return 1
  mapfile -d '' parts < <(printf %s "$imds_body" | jq -j '.AccessKeyId, .SecretAccessKey, .Token | strings + "\u0000"')
  ((${#parts[@]} == 3)) || return 1
  role_key=${parts[0]} role_secret=${parts[1]} role_token=${parts[2]}
  [[ $role_key$role_secret$role_token =~ ^[A-Za-z0-9+/=_-]+$ ]]
}
