# A GPU node: NVIDIA's driver, Ollama, k3s as an agent. No GPU is needed to build the driver, so no quota and no Spot.
locals {
  gpu_worker_name = "${var.ami_prefix}-gpu-worker-${local.stamp}"
  gpu_worker_tags = merge(local.tags, {
    "Name"                             = local.gpu_worker_name
    "carrierarr:image"                 = "gpu-worker"
    "carrierarr:k3s-version"           = var.k3s_version
    "carrierarr:nvidia-driver-version" = var.nvidia_driver_version
    "carrierarr:ollama-version"        = var.ollama_version
  })
}

build {
  name = "gpu-worker"

  source "source.amazon-ebs.al2023" {
    ami_name        = local.gpu_worker_name
    ami_description = "Carrierarr gpu-worker on ${local.source_ami_name}"
    instance_type   = "m6i.xlarge"

    launch_block_device_mappings {
      device_name           = "/dev/xvda"
      volume_type           = "gp3"
      volume_size           = 40
      iops                  = 3000
      throughput            = 125
      encrypted             = true
      kms_key_id            = var.kms_key_id
      delete_on_termination = true
    }

    run_tags      = { Name = "carrierarr-bake-gpu-worker" }
    tags          = local.gpu_worker_tags
    snapshot_tags = local.gpu_worker_tags
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
    environment_vars = concat(local.environment, ["IMAGE=gpu-worker"])
    scripts = concat(local.scripts_first, [
      "${path.root}/gpu-worker/scripts/10-files.sh",
      "${path.root}/gpu-worker/scripts/20-kernel.sh",
      "${path.root}/gpu-worker/scripts/30-nvidia.sh",
      "${path.root}/gpu-worker/scripts/40-units.sh",
      "${path.root}/gpu-worker/scripts/50-k3s-agent.sh",
      "${path.root}/gpu-worker/scripts/60-ollama.sh",
    ], local.scripts_last)
  }

  provisioner "file" {
    direction   = "download"
    source      = "/etc/carrierarr/image.json"
    destination = "${path.root}/image-gpu-worker.json"
  }

  post-processor "manifest" {
    output     = "${path.root}/manifest-gpu-worker.json"
    strip_path = true
    custom_data = {
      image      = "gpu-worker"
      region     = var.aws_region
      source_ami = local.source_ami_name
    }
  }
}
