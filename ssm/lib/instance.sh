#!/bin/bash
# Who an instance is at AWS, for handover.sh: its role's credentials, from the metadata. Needs imds.sh.

handover_identity() {
  imds_open
  load_settings
}
