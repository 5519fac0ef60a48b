#!/bin/bash
# Arithmetic on IPv4 ranges, without a program.

# cidr_read RANGE: sets cidr_first and cidr_last, the numbers of its ends; returns 1 where it is none. A lone address is
# a range of one.
cidr_read() {
  local octet bits=32 address=${1%/*} number=0
  [[ $1 =~ ^([0-9]{1,3}\.){3}[0-9]{1,3}(/[0-9]{1,2})?$ ]] || return 1
  if [[ $1 == */* ]]; then bits=$((10#${1#*/})); fi
  ((bits <= 32)) || return 1
  for octet in ${address//./ }; do
    ((10#$octet <= 255)) || return 1
    number=$((number << 8 | 10#$octet))
  done
  local hosts=$(((1 << (32 - bits)) - 1))
  cidr_first=$((number & ~hosts)) cidr_last=$((number | hosts))
}

# cidr_overlaps A B: they have an address in common.
cidr_overlaps() {
  local first last
  cidr_read "$1" || return 1
  first=$cidr_first last=$cidr_last
  cidr_read "$2" || return 1
  ((first <= cidr_last && cidr_first <= last))
}

# cidr_contains OUTER INNER: INNER, a range or an address, lies wholly within OUTER.
cidr_contains() {
  local first last
  cidr_read "$1" || return 1
  first=$cidr_first last=$cidr_last
  cidr_read "$2" || return 1
  ((first <= cidr_first && cidr_last <= last))
}
