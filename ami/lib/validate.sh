#!/bin/bash
# What 95-validate.sh and an image's own validate.sh use: every fault is said, and one is enough to fail the bake. Needs
# bake.sh.

validate_faults=0

# fault TEXT: what is wrong, and what to do about it.
fault() {
  validate_faults=$((validate_faults + 1))
  printf 'fault: %s\n' "$1" >&2
}

# shown FILE: as the image names it.
shown() {
  printf '%s' "${1#"$BAKE_ROOT"}"
}

# must_be_absent WHY FILE...: WHY is the first word of what is said.
must_be_absent() {
  local why=$1 file
  shift
  for file in "$@"; do
    if [[ -e $file || -L $file ]]; then fault "$why: $(shown "$file") must not be in an image"; fi
  done
}

# must_be_empty WHY FOLDER...
must_be_empty() {
  local why=$1 folder found
  shift
  for folder in "$@"; do
    [[ -d $folder ]] || continue
    found=$(find "$folder" -mindepth 1 -print -quit)
    if [[ -n $found ]]; then fault "$why: $(shown "$folder") must be empty in an image, there is $(shown "$found")"; fi
  done
}

# at_least VERSION MINIMUM
at_least() {
  [[ $(printf '%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

# must_say WANTED PROGRAM ARGUMENT...: a program of the image is there and tells the version it should have.
must_say() {
  local wanted=$1 said
  shift
  if [[ ! -x $1 ]]; then
    fault "$(shown "$1") is missing or no program"
    return 0
  fi
  said=$("$@" 2>&1) || said="ended with $?: $said"
  [[ $said == *"$wanted"* ]] || fault "$(shown "$1") should be $wanted and says: $(head -n 3 <<<"$said" | paste -sd ' ')"
}

# The kernel that the image will boot, which need not be the one that runs here.
default_kernel() {
  local path
  path=$(grubby --default-kernel)
  printf '%s' "${path##*/vmlinuz-}"
}

# module_fault KERNEL MODULE: says what speaks against that module on that kernel; nothing where all is well. One that
# is built in says of no kernel that it was made for it.
module_fault() {
  local magic
  if ! magic=$(modinfo -k "$1" -F vermagic "$2" 2>&1); then
    printf 'kernel %s has no module %s: %s' "$1" "$2" "$(tail -n 1 <<<"$magic")"
  elif [[ -n $magic && ${magic%% *} != "$1" ]]; then
    printf 'module %s was made for kernel %s, the image boots %s' "$2" "${magic%% *}" "$1"
  fi
}

# must_have_modules MODULE...
must_have_modules() {
  local kernel module said
  kernel=$(default_kernel)
  for module in "$@"; do
    said=$(module_fault "$kernel" "$module")
    [[ -z $said ]] || fault "$said"
  done
}

# must_be_enabled UNIT...
must_be_enabled() {
  local unit state
  for unit in "$@"; do
    state=$(systemctl ${BAKE_ROOT:+--root="$BAKE_ROOT"} is-enabled "$unit" 2>&1) || state=${state:-unknown}
    [[ $state == enabled ]] || fault "unit $unit is $state, not enabled"
  done
}

# must_be_verbatim IMAGE: what lies in IMAGE/files is in the image, unchanged.
must_be_verbatim() {
  local files=$BAKE_DIR/$1/files file
  while IFS= read -r -d '' file; do
    cmp -s "$file" "$BAKE_ROOT${file#"$files"}" || fault "${file#"$files"} is missing or not the one of $1/files"
  done < <(find "$files" -type f -print0)
}
