# The common part alone: Nebula, the boot program, the worker agent. The other two do not start from it; they run its
# scripts.
locals {
  base_name = "${var.ami_prefix}-base-${local.stamp}"
  base_tags = merge(local.tags, {
    "Name"             = local.base_name
    "carrierarr:image" = "base"
  })
}

build {
  name = "base"

  source "source.amazon-ebs.al2023" {
    ami_name        = local.base_name
    ami_description = "Carrierarr base on ${local.source_ami_name}"
    instance_type   = "t3.medium"

    launch_block_device_mappings {
      device_name           = "/dev/xvda"
      volume_type           = "gp3"
      volume_size           = 8
      iops                  = 3000
      throughput            = 125
      encrypted             = true
      kms_key_id            = var.kms_key_id
      delete_on_termination = true
    }

    run_tags      = { Name = "carrierarr-bake-base" }
    tags          = local.base_tags
    snapshot_tags = local.base_tags
  }

  provisioner "shell" {
    inline = ["cloud-init status --wait", "mkdir -p ${local.upload}"]
  }

  provisioner "file" {
    sources     = local.tree
    destination = "${local.upload}/"
  }

  provisioner "shell" {
    execute_command = local.execute
    inline          = local.place_tree
  }

  provisioner "shell" {
    execute_command  = local.execute
    environment_vars = concat(local.environment, ["IMAGE=base"])
    scripts          = concat(local.scripts_first, local.scripts_last)
  }

  provisioner "file" {
    direction   = "download"
    source      = "/etc/carrierarr/image.json"
    destination = "${path.root}/image-base.json"
  }

  post-processor "manifest" {
    output     = "${path.root}/manifest-base.json"
    strip_path = true
    custom_data = {
      image      = "base"
      region     = var.aws_region
      source_ami = local.source_ami_name
    }
  }
}
