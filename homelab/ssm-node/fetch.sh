#!/usr/bin/env bash
# fetch.sh PRODUCT VERSION URL FILE [URL_OF_CHECKSUM]
# Downloads a file and keeps it only if its checksum is right: the one that ami/versions.env (its text in VERSIONS) has
# for this product and version, or, where it has none, the one its publisher keeps beside it. Without either it fails.
set -euo pipefail

readonly product=$1 version=$2 url=$3 file=$4 published=${5:-}
wanted=''

# The checksums there are of files for amd64.
if [[ ${TARGETARCH:-amd64} == amd64 ]]; then
  wanted=$(sed -n "s/^${product}_SHA256_${version//[^A-Za-z0-9]/_}=//p" <<<"${VERSIONS:-}")
fi
if [[ -z $wanted && -n $published ]]; then
  wanted=$(curl --fail --silent --show-error --location --retry 3 "$published")
  wanted=${wanted%% *}
  echo "$url: no checksum is pinned, going by $published" >&2
fi
if [[ ! $wanted =~ ^[0-9a-f]{64}$ ]]; then
  echo "$url: there is no checksum to go by; got '$wanted'. Nobody publishes one: verify the file once, then \`npm run ami:pin -- $product $version\`" >&2
  exit 1
fi
curl --fail --silent --show-error --location --retry 3 --output "$file.part" "$url"
if ! sha256sum --check --status <<<"$wanted  $file.part"; then
  echo "$url: checksum is $(sha256sum "$file.part" | cut -d' ' -f1), expected $wanted" >&2
  rm -f "$file.part"
  exit 1
fi
mv "$file.part" "$file"
