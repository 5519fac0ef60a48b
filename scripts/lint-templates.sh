#!/usr/bin/env bash
# cfn-lint on every synthesised template. CFN_LINT names the program; without it and without one on PATH it is skipped,
# loudly, since only this checker knows which properties CloudFormation really takes.
set -euo pipefail
cd "$(dirname "$0")/.."

find_linter() {
  local candidate
  for candidate in "${CFN_LINT:-}" .venv-lint/bin/cfn-lint cfn-lint; do
    if [[ -n $candidate ]] && command -v "$candidate" >/dev/null; then
      command -v "$candidate"
      return
    fi
  done
}

synthesise() {
  local said
  if ! said=$(CDK_VALIDATION=false CARRIERARR_CONFIG=${2:-} PATH="$PWD/node_modules/.bin:$PATH" cdk synth --quiet --output "$1" 2>&1); then
    printf '%s\n' "$said" >&2
    return 1
  fi
}

# Settings that change what is in the templates.
write_variants() {
  cat >"$1/existing.json" <<'JSON'
{
  "acknowledge": ["homelab-trust", "mesh-in-homelab-services", "foreign-instance-profile", "nvidia-end-of-life"],
  "homelab": {
    "controlPlane": {
      "url": "http://fleet.home.example.org",
      "trustAnchor": "-----BEGIN CERTIFICATE-----\nMIIBYzCCAQigAwIBAgIUWEP8BkaPJcg7cOJZZa1WMijLmkkwCgYIKoZIzj0EAwIw\nDzENMAsGA1UEAwwEbGludDAeFw0yNjExMjIwODQ3NTFaFw0zNjExMTkwODQ3NTFa\nMA8xDTALBgNVBAMMBGxpbnQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQbD2fJ\nbt2s2O2DjQC1sa/nDLK+yzwT1Ik/+lCVX6RBGBi+YzxHOX0Nk0PQXrn29boNe8lD\ngOVquXAo/iy0Pusko0IwQDAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIB\nBjAdBgNVHQ4EFgQUiEfwWwxplnKBocTP2icOzSgntHcwCgYIKoZIzj0EAwIDSQAw\nRgIhAMe09u4noeBR6VjIXFp02WpfPTPAES6FkED6+Foyzqa4AiEA6J6TDJKFUxrl\nTOkC5W44IR/N2mq6w0Ms5cHenY6ZbDw=\n-----END CERTIFICATE-----\n"
    }
  },
  "network": {
    "vpcId": "vpc-0abc12345678def01", "vpcCidr": "172.31.0.0/16",
    "zones": ["us-west-2a"], "subnetIds": ["subnet-0abc12345678def01"],
    "operatorCidrs": { "k3s-api": ["192.0.2.0/24"] }
  },
  "nodes": {
    "keyPair": "hybrid-llm-key", "volumeInitializationRateMib": 0,
    "instanceProfile": { "name": "mine", "roleArn": "arn:aws:iam::111122223333:role/mine" }
  },
  "operations": { "alarmEmail": "operator@example.org" }
}
JSON
  cat >"$1/ca.json" <<'JSON'
{
  "mesh": {
    "ca": {
      "signer": "secret", "secretArn": "arn:aws:secretsmanager:us-west-2:111122223333:secret:nebula-ca-AbCdEf",
      "certificate": "-----BEGIN NEBULA CERTIFICATE-----\nCkcKEXRhbG9z\n-----END NEBULA CERTIFICATE-----\n"
    }
  },
  "acknowledge": ["homelab-trust", "mesh-in-homelab-services", "nvidia-end-of-life", "plain-start", "idle-unheard"],
  "nodes": { "start": "plain" }, "limits": { "bootSeconds": 900 },
  "images": {
    "schedule": "cron(0 6 ? * mon *)", "vpcId": "vpc-0abc12345678def01", "subnetId": "subnet-0abc12345678def01"
  }
}
JSON
}

# Most stacks are the same in several variants, and the linter is slow.
drop_repeated() {
  local template sum
  local -A seen
  for template in "$1"/*/*.template.json; do
    sum=$(sha256sum <"$template")
    if [[ -n ${seen[$sum]:-} ]]; then rm "$template"; fi
    seen[$sum]=$template
  done
}

main() {
  local linter work
  linter=$(find_linter)
  if [[ -z $linter ]]; then
    echo 'SKIPPED: templates were not linted, there is no cfn-lint.' >&2
    echo '  python3 -m venv .venv-lint && .venv-lint/bin/pip install cfn-lint' >&2
    return
  fi
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  write_variants "$work"
  synthesise "$work/default"
  synthesise "$work/existing" "$work/existing.json"
  synthesise "$work/ca" "$work/ca.json"
  drop_repeated "$work"
  # W3005: the CDK names a role beside its policy in DependsOn, where the reference would do.
  "$linter" --non-zero-exit-code warning --regions us-west-2 --ignore-checks I W3005 -- "$work"/*/*.template.json
  echo "cfn-lint: $(find "$work" -name '*.template.json' | wc -l) templates, no findings"
}

main
