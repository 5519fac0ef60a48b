#!/bin/bash
# mark.sh NAME: marks this moment in the timeline. The first such mark since the machine's start counts; what comes
# again, such as a service that is started anew, is no news.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
export LC_ALL=C

source "${BASH_SOURCE%/*}/lib/timeline.sh"

if [[ ! ${1:-} =~ ^[a-z][a-z0-9-]{0,39}$ ]]; then
  printf 'mark.sh: a mark is lower-case letters, digits and dashes, got "%s"\n' "${1:-}" >&2
  exit 64
fi
timeline_open
timeline_has "$1" || timeline_add "$1"
