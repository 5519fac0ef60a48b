#!/bin/bash
# Calls Secrets Manager with the role's credentials. curl signs the request itself: the AWS CLI would read 67 MB from a
# cold disk for it. Needs load_role_credentials of the side it runs on, `log` and `die`.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2034,SC2154 # shared with the programs that source this file
source "${BASH_SOURCE%/*}/clock.sh"

readonly SECRET_STEP_SECONDS=2
# The secret is bound to the instance at about the time the instance boots.
readonly SECRET_QUICK_ATTEMPTS=10

secret_json=''
secret_status=''
secret_body=''

# secret_call ACTION FILTER [OPTION...]: one signed call; its body is what jq's filter makes. Credentials and body
# travel on standard input, never as arguments.
secret_call() {
  local endpoint=${AWS_ENDPOINT_URL:-https://secretsmanager.$CARRIERARR_REGION.amazonaws.com} answer
  answer=$(
    {
      printf '%s = "%s"\n' \
        user "$role_key:$role_secret" \
        aws-sigv4 "aws:amz:$CARRIERARR_REGION:secretsmanager" \
        header "X-Amz-Security-Token: $role_token" \
        header "X-Amz-Target: secretsmanager.$1" \
        header 'Content-Type: application/x-amz-json-1.1'
      # A quoted string of curl's configuration escapes as JSON does.
      jq -rn "${@:3}" "$2"' | "data = " + (tojson | tojson)'
    } | curl --silent --connect-timeout 2 --max-time 5 --write-out '\n%{http_code}' --config - "$endpoint/"
  ) || answer=$'\n000'
  secret_status=${answer##*$'\n'}
  secret_body=${answer%$'\n'*}
}

# Name of the error in secret_body, without namespace.
secret_error() {
  jq -er '(.__type // .code // empty) | split("#") | last | split(":") | first' <<<"$secret_body" 2>/dev/null ||
    printf 'no error name'
}

# Whether waiting may help. AccessDenied and ResourceNotFound may: the secret is bound to the instance only after the
# launch, and role credentials take a moment to be known everywhere. InvalidRequest: a deleted namesake is still going.
secret_may_come() {
  case $secret_status in
    000 | 429 | 5??) return 0 ;;
  esac
  case $1 in
    AccessDenied* | ResourceNotFound* | Throttl* | RequestLimitExceeded | InvalidRequestException) return 0 ;;
    ExpiredToken* | UnrecognizedClient* | InvalidSignature*) return 0 ;;
  esac
  return 1
}

# fetch_secret ID SECONDS: puts the secret's text into secret_json; waits that long for one that is still to come.
fetch_secret() {
  local error='' attempt attempts=$((SECRET_QUICK_ATTEMPTS + $2 / SECRET_STEP_SECONDS)) pause=0.2 deadline
  clock_read
  deadline=$((clock_seconds + $2))
  for ((attempt = 1; attempt <= attempts && clock_seconds < deadline; attempt++)); do
    if load_role_credentials; then
      # shellcheck disable=SC2016 # $id is jq's
      secret_call GetSecretValue '{SecretId: $id}' --arg id "$1"
      if [[ $secret_status == 200 ]]; then
        secret_json=$(jq -er .SecretString < <(printf %s "$secret_body")) || die "answer for secret $1 is not JSON with a SecretString"
        secret_body=''
        return 0
      fi
      error="$secret_status $(secret_error)"
      secret_may_come "${error#* }" || die "secret $1 cannot be read: $error"
    else
      error='no credentials of the instance profile in the metadata'
    fi
    if ((attempt == 1 || attempt % 10 == 0)); then log "secret $1 not readable yet (attempt $attempt): $error"; fi
    if ((attempt > SECRET_QUICK_ATTEMPTS)); then pause=$SECRET_STEP_SECONDS; fi
    sleep "$pause"
    clock_read
  done
  die "secret $1 was not readable within $2 s: $error"
}
