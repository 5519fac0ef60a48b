#!/usr/bin/env bash
# fetch.sh URL FILE SHA256 [URL_OF_CHECKSUM]
# Downloads a file and keeps it only if its checksum is right: the pinned one, or, where none is pinned, the one its
# publisher keeps beside it. Without either it fails.
set -euo pipefail

readonly url=$1 file=$2 published=${4:-}
wanted=$3

if [[ -z $wanted && -n $published ]]; then
  wanted=$(curl --fail --silent --show-error --location --retry 3 "$published")
  wanted=${wanted%% *}
  echo "$url: no checksum is pinned, going by $published" >&2
fi
if [[ ! $wanted =~ ^[0-9a-f]{64}$ ]]; then
  echo "$url: there is no checksum to go by; got '$wanted'" >&2
  exit 1
fi
curl --fail --silent --show-error --location --retry 3 --output "$file.part" "$url"
if ! sha256sum --check --status <<<"$wanted  $file.part"; then
  echo "$url: checksum is $(sha256sum "$file.part" | cut -d' ' -f1), expected $wanted" >&2
  rm -f "$file.part"
  exit 1
fi
mv "$file.part" "$file"
