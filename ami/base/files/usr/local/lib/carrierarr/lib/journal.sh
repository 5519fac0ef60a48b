#!/bin/bash
# Words of a program that has nobody but systemd: the journal keeps what goes to standard error.

log() {
  printf '%s\n' "$*" >&2
}

die() {
  log "$1"
  exit 1
}
