#!/bin/bash
# What a lighthouse needs to know at boot; nothing in here is secret. cloud-init runs this file, which only sets
# variables; carrierarr-boot reads it from the instance metadata line by line and never runs it.
# shellcheck disable=SC2034
CARRIERARR_FLEET=carrierarr
CARRIERARR_ROLE=lighthouse
CARRIERARR_REGION=us-west-2
CARRIERARR_SECRET_PREFIX=catalyst-llm
CARRIERARR_CONTROL_PLANE=10.100.0.1:50051
CARRIERARR_READY_SECONDS=7200
