#!/bin/bash
# Reads files that will be needed soon, so that they come out of memory then. The blocks of a volume made from a
# snapshot are fetched from S3 when they are first read, some milliseconds each: a cold k3s costs seconds
# (https://docs.aws.amazon.com/ebs/latest/userguide/initalize-volume.html). What is read stands in lists, one glob a
# line; what an image does not have is left out. Lists 00 to 19 are read at once, their files side by side; the others,
# which may name gigabytes, one file after the other once the boot has given its verdict: NVMe devices without an I/O
# scheduler ignore priorities, and the boot's own reading would have to wait.
set -euo pipefail
shopt -s nullglob

readonly LISTS=/usr/local/share/carrierarr/warm
readonly RUN_DIR=/run/carrierarr
# A fifth of a second apart: five minutes, as long as systemd lets the boot take.
readonly LOOKS=1500

# files_of LIST: one a line.
files_of() {
  local pattern file files
  while IFS= read -r pattern; do
    if [[ -z $pattern || $pattern == '#'* ]]; then continue; fi
    # shellcheck disable=SC2206 # the globs are to be expanded
    files=($pattern)
    for file in "${files[@]}"; do
      if [[ -f $file ]]; then printf '%s\n' "$file"; fi
    done
  done <"$1"
}

read_file() {
  dd if="$1" of=/dev/null bs=1M status=none
}

await_verdict() {
  local look
  for ((look = 1; look <= LOOKS; look++)); do
    if [[ -e $RUN_DIR/boot.done || -e $RUN_DIR/boot.failed ]]; then return 0; fi
    sleep 0.2
  done
}

for list in "$LISTS"/[01]?-*.list; do
  while IFS= read -r file; do
    read_file "$file" &
  done < <(files_of "$list")
done
wait
later=("$LISTS"/[2-9]?-*.list)
if ((${#later[@]} > 0)); then await_verdict; fi
for list in "${later[@]}"; do
  while IFS= read -r file; do
    read_file "$file"
  done < <(files_of "$list")
done
