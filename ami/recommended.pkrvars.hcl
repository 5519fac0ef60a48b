# Versions that we recommend over the seed's defaults:
#     packer build -var-file=recommended.pkrvars.hcl .

# 1.9.7 mends a security fault, 1.9.1 a deadlock in the handshake. Certificates and configuration are the same.
nebula_version = "1.9.7"

# The branch that NVIDIA supports until June 2028; 550 is out of support and exists outside of Amazon's repositories
# only.
nvidia_driver_version = "580"
