#!/bin/bash
# Reads files that will be needed soon, so that they come out of memory then. The blocks of a volume made from a snapshot
# are fetched from S3 when they are first read, some milliseconds each: a cold k3s costs seconds
# (https://docs.aws.amazon.com/ebs/latest/userguide/initalize-volume.html). What is read stands in lists, one glob a line;
# what an image does not have is left out. The files of a list are read side by side, one list after the other.
set -euo pipefail
shopt -s nullglob

# read_list LIST
read_list() {
  local pattern file files
  while IFS= read -r pattern; do
    if [[ -z $pattern || $pattern == '#'* ]]; then continue; fi
    # shellcheck disable=SC2206 # the globs are to be expanded
    files=($pattern)
    for file in "${files[@]}"; do
      if [[ -f $file ]]; then dd if="$file" of=/dev/null bs=1M status=none & fi
    done
  done <"$1"
  wait
}

for list in /usr/local/share/carrierarr/warm/*.list; do
  read_list "$list"
done
