import type { Fault } from '#shared/errors.ts';
import { type Raw, textAt, valueAt } from './raw.ts';

/** Faults between fields of the clusters and what joins them. */
const clusterNames = (raw: Raw): Fault[] => {
  const name = textAt(raw, 'cluster.name');
  if (name === '' || name !== textAt(raw, 'homelab.clusterName')) return [];
  const allowed = 'names that differ: each is an id to Liqo';
  return [{ field: 'cluster.name', what: 'the same as homelab.clusterName', got: name, allowed }];
};

/** With a replaced kube-proxy, NodePorts are not served on the mesh device. */
const gatewayOnMesh = (raw: Raw): Fault[] => {
  if (textAt(raw, 'liqo.gatewayPath') !== 'mesh' || valueAt(raw, 'cilium.kubeProxyReplacement') !== true) return [];
  return [
    {
      field: 'liqo.gatewayPath',
      what: 'needs a kube-proxy, which serves NodePorts on the mesh device too',
      got: 'mesh with cilium.kubeProxyReplacement true',
      allowed: 'mesh with cilium.kubeProxyReplacement false, or public',
    },
  ];
};

/** Kubernetes hands out a NodePort once, whatever the protocol. */
const nodePorts = (raw: Raw): Fault[] => {
  const port = valueAt(raw, 'cilium.clusterMeshPort');
  if (valueAt(raw, 'cilium.clusterMesh') !== true || port !== valueAt(raw, 'liqo.gatewayPort')) return [];
  const allowed = 'two NodePorts';
  return [{ field: 'cilium.clusterMeshPort', what: 'the same as liqo.gatewayPort', got: String(port), allowed }];
};

const inBand = (raw: Raw): Fault[] => {
  if (valueAt(raw, 'liqo.inBand') !== true || valueAt(raw, 'liqo.networking') !== false) return [];
  return [
    {
      field: 'liqo.inBand',
      what: 'needs the tunnel that liqo.networking makes',
      got: 'true with liqo.networking false',
      allowed: 'true with liqo.networking true, or false',
    },
  ];
};

/** A parameter of a step holds them all. */
const CILIUM_VALUES_CHARACTERS = 1000;

const ciliumValues = (raw: Raw): Fault[] => {
  const values = valueAt(raw, 'cilium.values');
  if (typeof values !== 'object' || values === null) return [];
  const size = Object.entries(values).join().length;
  if (size <= CILIUM_VALUES_CHARACTERS) return [];
  const allowed = `${CILIUM_VALUES_CHARACTERS} characters, keys and values together`;
  return [{ field: 'cilium.values', what: 'too long', got: `${size} characters`, allowed }];
};

export const CLUSTER_CHECKS = [clusterNames, gatewayOnMesh, nodePorts, inBand, ciliumValues];
