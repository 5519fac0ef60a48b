# The first six are the seed's, names and defaults.
variable "aws_region" {
  type        = string
  default     = "us-east-1"
  description = "AWS region to build in. The fleet may launch in another: `carrierarr ami publish` copies the image there."
}

variable "nebula_version" {
  type        = string
  default     = "1.9.0"
  description = "Nebula VPN version."
}

variable "k3s_version" {
  type        = string
  default     = "v1.31.2+k3s1"
  description = "k3s version."
}

variable "nvidia_driver_version" {
  type        = string
  default     = "550"
  description = "NVIDIA driver major version. Below 555 by NVIDIA's own installer, from 555 on by dnf."
}

variable "ollama_version" {
  type        = string
  default     = "latest"
  description = "Ollama version. `latest` becomes the newest release's number when the image is built."
}

variable "ami_prefix" {
  type        = string
  default     = "catalyst"
  description = "AMI name prefix."
}

variable "worker_agent" {
  type        = string
  default     = "auto"
  description = "`auto`: the worker agent is in the image if it was built (agent/worker/dist, or worker-agent here). `none`: it is not. `required`: the build fails without."
}

variable "nvidia_kmod" {
  type        = string
  default     = ""
  description = "NVIDIA's kernel module, `open` or `proprietary`. Empty: NVIDIA_KMOD of versions.env."
}

variable "cilium_version" {
  type        = string
  default     = ""
  description = "Cilium's chart and images on the disk; the fleet's `cilium.version`. Empty: CILIUM_VERSION of versions.env."
}

variable "liqo_version" {
  type        = string
  default     = ""
  description = "liqoctl and Liqo's chart, without a v; the fleet's `liqo.version`. Empty: LIQO_VERSION of versions.env."
}

variable "source_ami_name" {
  type        = string
  default     = ""
  description = "Name of the AMI to start from. Empty: AL2023_AMI_NAME of versions.env. May hold a wildcard: the newest wins."
}

variable "source_ami_owner" {
  type        = string
  default     = "137112412989"
  description = "Account that owns the AMI to start from. Default Amazon's; `self` to start from an image of your own."
}

variable "iam_instance_profile" {
  type        = string
  default     = ""
  description = "Instance profile of the build instance. Empty: Packer makes one that may speak to Session Manager and no more."
}

variable "security_group_id" {
  type        = string
  default     = ""
  description = "Security group of the build instance. Empty: Packer makes one, without any inbound rule."
}

variable "subnet_id" {
  type        = string
  default     = ""
  description = "Subnet of the build instance. Empty: one of the default VPC."
}

variable "associate_public_ip_address" {
  type        = bool
  default     = true
  description = "Whether the build instance gets a public address. False only where the subnet has another way out."
}

variable "kms_key_id" {
  type        = string
  default     = ""
  description = "KMS key that encrypts the volumes and snapshots. Empty: the account's default key for EBS."
}

variable "deprecate_after" {
  type        = string
  default     = "2160h"
  description = "How long until EC2 marks an image as deprecated. It can still be launched then."
}
