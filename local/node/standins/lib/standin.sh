#!/bin/bash
# Common part of the stand-ins.

readonly STANDINS=/run/standins

# standin_begin PROGRAM: does what the files /run/standins/PROGRAM.{fail,exit,hang} ask for.
standin_begin() {
  [[ -d $STANDINS ]] || mkdir -p "$STANDINS"
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

# standin_real PROGRAM FOLDER: sets real to the first such program on PATH outside the stand-in's own folder; returns 1
# where there is none.
standin_real() {
  local folder folders
  IFS=: read -r -a folders <<<"$PATH"
  for folder in "${folders[@]}"; do
    if [[ ! $folder -ef $2 && -x $folder/$1 ]]; then
      # shellcheck disable=SC2034 # shared with the programs that source this file
      real=$folder/$1
      return 0
    fi
  done
  return 1
}
