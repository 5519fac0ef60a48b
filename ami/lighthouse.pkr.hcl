# The AWS cluster's server: k3s with Cilium's and Liqo's programs, charts and images on disk.
locals {
  lighthouse_name = "${var.ami_prefix}-lighthouse-${local.stamp}"
  lighthouse_tags = merge(local.tags, {
    "Name"                   = local.lighthouse_name
    "carrierarr:image"       = "lighthouse"
    "carrierarr:k3s-version" = var.k3s_version
  })
}

build {
  name = "lighthouse"

  source "source.amazon-ebs.al2023" {
    ami_name        = local.lighthouse_name
    ami_description = "Carrierarr lighthouse on ${local.source_ami_name}"
    instance_type   = "t3.medium"

    launch_block_device_mappings {
      device_name           = "/dev/xvda"
      volume_type           = "gp3"
      volume_size           = 16
      iops                  = 3000
      throughput            = 125
      encrypted             = true
      kms_key_id            = var.kms_key_id
      delete_on_termination = true
    }

    run_tags      = { Name = "carrierarr-bake-lighthouse" }
    tags          = local.lighthouse_tags
    snapshot_tags = local.lighthouse_tags
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
    environment_vars = concat(local.environment, ["IMAGE=lighthouse"])
    scripts = concat(local.scripts_first, [
      "${path.root}/lighthouse/scripts/10-files.sh",
      "${path.root}/lighthouse/scripts/20-tools.sh",
      "${path.root}/lighthouse/scripts/30-charts.sh",
      "${path.root}/lighthouse/scripts/40-k3s.sh",
    ], local.scripts_last)
  }

  provisioner "file" {
    direction   = "download"
    source      = "/etc/carrierarr/image.json"
    destination = "${path.root}/image-lighthouse.json"
  }

  post-processor "manifest" {
    output     = "${path.root}/manifest-lighthouse.json"
    strip_path = true
    custom_data = {
      image      = "lighthouse"
      region     = var.aws_region
      source_ami = local.source_ami_name
    }
  }
}
