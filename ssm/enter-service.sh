#!/bin/bash
# The last step on a worker: from here on it lives until it is torn down. Disarms the dead-man switch, which powers off
# a machine that nobody takes into service, and reports the marks of the way here.
# shellcheck source-path=SCRIPTDIR
source "${BASH_SOURCE%/*}/lib/prologue.sh"
source "${BASH_SOURCE%/*}/lib/marks.sh"
source "${BASH_SOURCE%/*}/../ami/base/files/usr/local/lib/carrierarr/lib/imds.sh"
source "${BASH_SOURCE%/*}/../ami/base/files/usr/local/lib/carrierarr/lib/private.sh"

readonly PROGRAMS=/usr/local/lib/carrierarr
readonly IN_SERVICE=/var/lib/carrierarr/in-service
# The image's own, and the one with which a machine that installs itself begins.
readonly TIMER=carrierarr-deadman.timer
readonly PLAIN_TIMER=carrierarr-deadman-plain.timer

# Sets instance_id. The switch goes by it: an image made from a worker carries the file of another instance.
learn_instance() {
  imds_open
  imds_get meta-data/instance-id || die 'the metadata of the instance names no instance-id'
  instance_id=$imds_body
  [[ $instance_id =~ ^i-[0-9a-f]{8,17}$ ]] || die "the metadata names a malformed instance-id: ${instance_id:0:40}"
}

enter() {
  if ! { install -d -m 0755 "${IN_SERVICE%/*}" && write_private "$IN_SERVICE" "$instance_id"; }; then
    die "$IN_SERVICE cannot be written: the dead-man switch would power this machine off"
  fi
  # What a machine that loses its power now would find at its next start.
  sync "$IN_SERVICE" "${IN_SERVICE%/*}"
}

armed() {
  systemctl --quiet is-active "$1"
}

# The switch looks for itself, as it will after each restart of the machine, and stops its own timer.
disarm() {
  if [[ -x $PROGRAMS/deadman.sh ]]; then
    timeout --kill-after=5 30 "$PROGRAMS/deadman.sh" || die 'the dead-man switch failed at its look'
  fi
  if armed "$TIMER"; then die "the dead-man switch stays armed: it does not take $instance_id for in service"; fi
  if armed "$PLAIN_TIMER"; then
    systemctl stop "$PLAIN_TIMER" || die "the dead-man switch stays armed: $PLAIN_TIMER does not stop"
  fi
}

step_begin enter-service exclusive
learn_instance
enter
disarm
"$PROGRAMS/mark.sh" in-service || die "$PROGRAMS/mark.sh does not work: is the image older than this fleet?"
step_put instance "$instance_id"
step_put_json timeline "$(boot_timeline)"
