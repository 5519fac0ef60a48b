#!/bin/bash
# What a lighthouse needs to know at boot; nothing in here is secret. cloud-init runs this file, which only sets
# variables; carrierarr-boot reads it from the instance metadata line by line and never runs it.
# shellcheck disable=SC2034
CARRIERARR_FLEET=@fleet@
CARRIERARR_ROLE=lighthouse
CARRIERARR_REGION=@region@
CARRIERARR_SECRET_PREFIX=@secretPrefix@
CARRIERARR_CONTROL_PLANE=@controlPlane@
CARRIERARR_READY_SECONDS=@readySeconds@
