#!/bin/bash
# Files that root alone may read.

# write_private FILE TEXT: replaces the file in one move; readers see all of the new text or all of the old one.
# mktemp's files have mode 0600, and each writer has one of its own.
write_private() {
  local new
  new=$(mktemp "${1%/*}/.${1##*/}.XXXXXX") || return
  if printf '%s\n' "$2" >"$new" && mv -fT "$new" "$1"; then return 0; fi
  rm -f "$new"
  return 1
}
