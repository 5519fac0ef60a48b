# Alone in this file: Packer before 1.7 knows no plugins, and the tests leave this file out when such a one reads the
# rest.
packer {
  # 1.9 speaks SSH with the keys that AL2023 accepts.
  required_version = ">= 1.9.0"

  required_plugins {
    amazon = {
      source = "github.com/hashicorp/amazon"
      # 1.8.1 waits for a temporary instance profile until Session Manager may use it.
      version = ">= 1.8.1, < 2.0.0"
    }
  }
}
