#!/bin/bash
# Common part of the stand-ins.

readonly STANDINS=/run/standins

# standin_begin PROGRAM: does what the files /run/standins/PROGRAM.{fail,exit,hang} ask for.
standin_begin() {
  mkdir -p "$STANDINS"
  if [[ -e $STANDINS/$1.fail ]]; then
    cat "$STANDINS/$1.fail" >&2
    exit 1
  fi
  if [[ -e $STANDINS/$1.exit ]]; then exit "$(<"$STANDINS/$1.exit")"; fi
  while [[ -e $STANDINS/$1.hang ]]; do standin_nap 1; done
}

# standin_nap SECONDS: with the system's own sleep, whatever is on PATH.
standin_nap() {
  command -p sleep "$1"
}

# standin_real PROGRAM FOLDER: the next such program on PATH after the stand-in's own folder.
standin_real() {
  local folder
  while IFS= read -r -d : folder; do
    if [[ $(readlink -f "$folder") != "$2" && -x $folder/$1 ]]; then
      printf '%s' "$folder/$1"
      return 0
    fi
  done <<<"$PATH:"
  return 1
}
