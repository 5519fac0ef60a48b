# What the three builders share: the image they start from, how the build instance is reached, and how AMIs are marked.
locals {
  # versions.env is the one list of versions: NAME=value, comments and empty lines aside.
  versions = {
    for line in split("\n", file("${path.root}/versions.env")) :
    split("=", line)[0] => split("=", line)[1]
    if length(split("=", line)) == 2 && substr(line, 0, 1) != "#"
  }

  source_ami_name = var.source_ami_name != "" ? var.source_ami_name : local.versions["AL2023_AMI_NAME"]
  stamp           = formatdate("YYYYMMDD-hhmmss", timestamp())
  deprecate_at    = timeadd(timestamp(), var.deprecate_after)

  # The build's own limit, in minutes: what Packer left behind powers itself off then, and power off means terminate.
  build_minutes = 180

  bake_dir = "/opt/carrierarr/bake"
  upload   = "/tmp/carrierarr-bake"

  # Where somebody has put one, or where ours is built; the first that is there.
  agent_dirs   = [for dir in ["worker-agent", "../agent/worker/dist"] : "${path.root}/${dir}" if length(fileset(path.root, "${dir}/*")) > 0]
  has_agent    = length(local.agent_dirs) > 0
  worker_agent = var.worker_agent == "auto" ? (local.has_agent ? "" : "none") : (var.worker_agent == "none" ? "none" : "")

  # Everything that the scripts read, and nothing else.
  tree = concat(
    [for name in ["base", "lighthouse", "gpu-worker", "lib", "versions.env", "bake.sh"] : "${path.root}/${name}"],
    local.has_agent ? [local.agent_dirs[0]] : [],
  )

  environment = [
    "BAKE_DIR=${local.bake_dir}",
    "NEBULA_VERSION=${var.nebula_version}",
    "K3S_VERSION=${var.k3s_version}",
    "NVIDIA_DRIVER_VERSION=${var.nvidia_driver_version}",
    "NVIDIA_KMOD=${var.nvidia_kmod}",
    "OLLAMA_VERSION=${var.ollama_version}",
    "CILIUM_VERSION=${var.cilium_version}",
    "LIQO_VERSION=${var.liqo_version}",
    "WORKER_AGENT=${local.worker_agent}",
  ]

  # sudo drops the environment, so the variables are named behind it; -e for what stands inline.
  execute = "sudo env {{ .Vars }} bash -e {{ .Path }}"

  # The tree arrives as the user that Packer logs in as; only root may write it from here on.
  place_tree = [
    "install -d -m 0755 -o root -g root /opt/carrierarr",
    "rm -rf ${local.bake_dir}",
    "mv ${local.upload} ${local.bake_dir}",
    "if [ -d ${local.bake_dir}/dist ]; then mv ${local.bake_dir}/dist ${local.bake_dir}/worker-agent; fi",
    "chown -R root:root ${local.bake_dir}",
  ]

  # What lib/images/script-list.ts finds in the folders, in its order; a test compares.
  scripts_first = [
    "${path.root}/base/scripts/10-system.sh",
    "${path.root}/base/scripts/20-files.sh",
    "${path.root}/base/scripts/30-network.sh",
    "${path.root}/base/scripts/40-nebula.sh",
    "${path.root}/base/scripts/50-worker-agent.sh",
  ]
  scripts_last = [
    "${path.root}/base/scripts/90-cleanup.sh",
    "${path.root}/base/scripts/95-validate.sh",
  ]

  tags = {
    "carrierarr:builder"        = "packer"
    "carrierarr:source-ami"     = local.source_ami_name
    "carrierarr:nebula-version" = var.nebula_version
    "carrierarr:worker-agent"   = local.worker_agent == "none" ? "none" : "included"
  }
}

source "amazon-ebs" "al2023" {
  region = var.aws_region

  source_ami_filter {
    filters = {
      name                = local.source_ami_name
      architecture        = "x86_64"
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
    owners      = [var.source_ami_owner]
    most_recent = true
    # Amazon deprecates its images after 90 days; an exact name must be found after that, too.
    include_deprecated = true
  }

  # Session Manager in place of an open port: the security group that Packer makes then has no inbound rule.
  communicator         = "ssh"
  ssh_username         = "ec2-user"
  ssh_interface        = "session_manager"
  ssh_timeout          = "10m"
  iam_instance_profile = var.iam_instance_profile
  temporary_iam_instance_profile_policy_document {
    Version = "2012-10-17"
    Statement {
      Effect = "Allow"
      Action = [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ]
      Resource = ["*"]
    }
  }
  security_group_id           = var.security_group_id
  subnet_id                   = var.subnet_id
  associate_public_ip_address = var.associate_public_ip_address

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  imds_support = "v2.0"

  shutdown_behavior = "terminate"
  user_data         = "#!/bin/bash\nshutdown --poweroff +${local.build_minutes}\n"

  deprecate_at    = local.deprecate_at
  run_volume_tags = { Name = "carrierarr-bake" }

  # A snapshot of a whole image takes longer than the ten minutes that the SDK would wait.
  aws_polling {
    delay_seconds = 15
    max_attempts  = 240
  }
}
