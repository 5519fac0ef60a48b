/** The steps of a lighthouse once it has booted and shaken hands, in order. */
export const LIGHTHOUSE_STEPS = [
  'homelab-verify-mesh',
  'install-cilium',
  'install-liqo',
  'homelab-install-liqo',
  'make-peering-user',
  'homelab-peer',
  'homelab-verify-peering',
  'verify-agent',
  'homelab-verify-agent',
  'enter-service',
] as const;

/** The steps of a gpu-worker once it is in the mesh, in order. */
export const GPU_WORKER_STEPS = [
  'verify-gpu',
  'join-cluster',
  'verify-agent',
  'homelab-verify-agent',
  'enter-service',
] as const;
