#!/bin/bash
# Which images Cilium runs, as its chart says it. Needs bake.sh.

# cilium_images HELM CHART: with everything that the configuration may switch on, each named by its digest alone: that
# is how the kubelet knows an image which a chart names by tag and digest.
cilium_images() {
  "$1" template cilium "$2" --namespace kube-system --set operator.replicas=1 --set hubble.relay.enabled=true \
    --set clustermesh.useAPIServer=true |
    sed -n 's/^ *\(- \)\{0,1\}image: "\{0,1\}\([^" ]*\)"\{0,1\} *$/\2/p' |
    sed 's/:[^:@/]*@/@/' | sort -u
}
