# The images, under the names of old. `npm run ami:base` and so on do the same; ARGS go to Packer:
#     make ami-gpu-worker ARGS='-var aws_region=us-west-2'
.DEFAULT_GOAL := help
.PHONY: help init ami-base ami-lighthouse ami-gpu-worker ami-all

PACKER ?= packer
ARGS ?=
export PACKER

help: ## What there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

init: ## Fetch Packer's plugin for AWS
	cd ami && $(PACKER) init .

ami-base: ## Build the base AMI
	bash ami/build.sh base $(ARGS)

ami-lighthouse: ## Build the lighthouse AMI
	bash ami/build.sh lighthouse $(ARGS)

ami-gpu-worker: ## Build the gpu-worker AMI
	bash ami/build.sh gpu-worker $(ARGS)

ami-all: ## Build all three at once
	bash ami/build.sh all $(ARGS)
