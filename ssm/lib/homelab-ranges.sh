#!/bin/bash
# Whether the ranges of both clusters, the VPC and the mesh keep out of each other's way, as they are and not only as
# they are configured. Needs faults.sh, cidr.sh.
# shellcheck disable=SC2016,SC2154 # jq programs; the agent sets SSM_<Parameter>

# Pods and services of the homelab, the mesh and what lies beyond it, pairwise. Only the mesh inside the services is let
# pass: the homelab has lived with it, and Liqo reserves it as part of the services anyway.
check_configured_ranges() {
  local foreign own
  for foreign in ${SSM_ForeignCidrs//,/ }; do
    for own in "pods $SSM_PodCidr" "services $SSM_ServiceCidr"; do
      ! cidr_overlaps "$foreign" "${own#* }" || fault ranges "a range on AWS overlaps the ${own% *} of this cluster" \
        "$foreign and ${own#* }" 'give the VPC or the cluster on EC2 another range (vpc.cidr, k3s.podCidr, k3s.serviceCidr)'
    done
  done
  ! cidr_overlaps "$SSM_MeshCidr" "$SSM_PodCidr" || fault ranges 'the mesh overlaps the pods of this cluster' \
    "$SSM_MeshCidr and $SSM_PodCidr" 'give the mesh another range (mesh.cidr)'
  if cidr_contains "$SSM_ServiceCidr" "$SSM_MeshCidr"; then
    note ranges "the mesh $SSM_MeshCidr lies inside the services $SSM_ServiceCidr: no Service may be given a worker's address"
  elif cidr_overlaps "$SSM_ServiceCidr" "$SSM_MeshCidr"; then
    fault ranges 'the mesh overlaps the services of this cluster in part' "$SSM_MeshCidr and $SSM_ServiceCidr" \
      'give the mesh another range (mesh.cidr)'
  fi
}

# check_pod_range NODE RANGE
check_pod_range() {
  cidr_contains "$SSM_PodCidr" "$2" || fault ranges 'pods live outside the configured range' "$2 of $1" \
    "set homelab.podCidr to what the cluster uses (it says $SSM_PodCidr)"
}

# Cilium may hand out addresses from a pool of its own instead of the nodes' ranges.
check_pods() {
  local range name
  look_for ranges configmap cilium-config -n kube-system || return 0
  if [[ -n $looked && $(look_json '.data.ipam // ""') == cluster-pool* ]]; then
    for range in $(look_json '.data["cluster-pool-ipv4-cidr"] // ""'); do
      check_pod_range "Cilium's pool" "$range"
    done
    return 0
  fi
  look_for ranges nodes || return 0
  while read -r name range; do
    check_pod_range "node $name" "$range"
  done < <(look_json '.items[] | select(.metadata.labels["liqo.io/type"] == null)
    | "\(.metadata.name) \(.spec.podCIDRs // [.spec.podCIDR] | .[] | select(. != null and (test(":") | not)))"')
}

check_nodes() {
  local name address foreign
  look_for ranges nodes || return 0
  while read -r name address; do
    for foreign in ${SSM_ForeignCidrs//,/ }; do
      ! cidr_contains "$foreign" "$address" || fault ranges 'a node of this cluster has an address inside a range on AWS' \
        "$name: $address in $foreign" 'give the VPC or the cluster on EC2 another range'
    done
  done < <(look_json '.items[] | select(.metadata.labels["liqo.io/type"] == null)
    | "\(.metadata.name) \(.status.addresses[]? | select(.type == "InternalIP" and (.address | test(":") | not)) | .address)"')
}

check_services() {
  local name address clash
  look_for ranges services -A || return 0
  {
    read -r clash
    [[ -z $clash ]] || fault worker-address "a Service has the worker's mesh address: pods would reach it instead" \
      "$clash has $SSM_WorkerIp" 'delete and create that Service again, or ask for another address (--nebula-ip)'
    while read -r name address; do
      cidr_contains "$SSM_ServiceCidr" "$address" || {
        fault ranges 'services live outside the configured range' "$name has $address" \
          "set homelab.serviceCidr to what the cluster uses (it says $SSM_ServiceCidr)"
        break
      }
    done
  } < <(look_json '([.items[] | select([.spec.clusterIP, .spec.clusterIPs[]?, .spec.externalIPs[]?,
      .status.loadBalancer.ingress[]?.ip] | index($ip)) | "\(.metadata.namespace)/\(.metadata.name)"] | unique | join(", ")),
    (.items[] | select(.spec.clusterIP // "" | test("^[0-9.]+$"))
      | "\(.metadata.namespace)/\(.metadata.name) \(.spec.clusterIP)")' --arg ip "$SSM_WorkerIp")
}

check_ranges() {
  check_configured_ranges
  check_pods
  check_nodes
  check_services
}
