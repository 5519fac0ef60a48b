import type { PodSpec } from './support.ts';

/** https://kubernetes.io/docs/concepts/security/pod-security-standards/ as far as these manifests come near it. */
const BASELINE_CAPABILITIES = new Set(['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD']);
const SAFE_VOLUMES = ['configMap', 'downwardAPI', 'emptyDir', 'persistentVolumeClaim', 'projected', 'secret'];

export const baselineFaults = (pod: PodSpec): string[] => {
  const faults: string[] = [];
  if (pod.hostNetwork || pod.hostPID || pod.hostIPC) faults.push('host namespaces');
  for (const { name, securityContext, ports = [] } of pod.containers) {
    if (securityContext?.privileged) faults.push(`${name}: privileged`);
    if (ports.some(({ hostPort = 0 }) => hostPort !== 0)) faults.push(`${name}: host port`);
    const added = securityContext?.capabilities?.add ?? [];
    if (added.some((capability) => !BASELINE_CAPABILITIES.has(capability))) faults.push(`${name}: capabilities`);
    const seccomp = securityContext?.seccompProfile?.type ?? pod.securityContext?.seccompProfile?.type;
    if (seccomp === 'Unconfined') faults.push(`${name}: seccomp`);
  }
  if (pod.volumes?.some((volume) => 'hostPath' in volume)) faults.push('hostPath');
  return faults;
};

export const restrictedFaults = (pod: PodSpec): string[] => {
  const faults = baselineFaults(pod);
  for (const { name, securityContext } of pod.containers) {
    if (securityContext?.allowPrivilegeEscalation !== false) faults.push(`${name}: privilege escalation`);
    if (!securityContext?.capabilities?.drop?.includes('ALL')) faults.push(`${name}: does not drop ALL`);
    if ((securityContext?.runAsNonRoot ?? pod.securityContext?.runAsNonRoot) !== true) faults.push(`${name}: root`);
    const seccomp = securityContext?.seccompProfile?.type ?? pod.securityContext?.seccompProfile?.type;
    if (seccomp !== 'RuntimeDefault') faults.push(`${name}: no seccomp profile`);
  }
  const odd = pod.volumes?.filter((volume) => !SAFE_VOLUMES.some((kind) => kind in volume)) ?? [];
  return [...faults, ...odd.map(({ name }) => `volume ${name}`)];
};
