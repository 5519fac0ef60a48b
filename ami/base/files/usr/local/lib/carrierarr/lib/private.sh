#!/bin/bash
# Files that root alone may read.
# shellcheck disable=SC2034 # shared with the programs that source this file

# write_private FILE TEXT: replaces the file in one move; readers see all of the new text or all of the old one.
# mktemp's files have mode 0600, and each writer has one of its own.
write_private() {
  local new
  new=$(mktemp "${1%/*}/.${1##*/}.XXXXXX") || return
  if printf '%s\n' "$2" >"$new" && mv -fT "$new" "$1"; then return 0; fi
  rm -f "$new"
  return 1
}

private_changed=no

# keep_private FILE TEXT: as write_private, but leaves alone what is that already; sets private_changed where it is not.
keep_private() {
  if [[ -f $1 && $(<"$1") == "$2" ]]; then
    chmod 0600 "$1"
    return 0
  fi
  private_changed=yes
  write_private "$1" "$2"
}
