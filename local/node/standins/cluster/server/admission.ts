import { dictAt, dig, type KubeObject, listAt, textAt } from '../object.ts';
import { readKnob } from '../place.ts';
import { forbidden, type StatusError } from './status.ts';

type Level = 'privileged' | 'baseline' | 'restricted';

const isLevel = (text: string): text is Level => ['privileged', 'baseline', 'restricted'].includes(text);

/** Capabilities that the baseline lets a container add. */
const BASELINE_CAPABILITIES = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
);
const EXEMPT = ['kube-system'];

const containersOf = (spec: unknown): unknown[] => [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')];

const quotedNames = (containers: readonly unknown[]): string =>
  `container${containers.length > 1 ? 's' : ''} ${containers.map((c) => `"${textAt(c, 'name')}"`).join(', ')}`;

const faulty = (spec: unknown, isFaulty: (container: unknown) => boolean, text: (who: string) => string): string[] => {
  const bad = containersOf(spec).filter(isFaulty);
  return bad.length === 0 ? [] : [text(quotedNames(bad))];
};

const addedBeyondBaseline = (container: unknown): string[] =>
  listAt(container, 'securityContext', 'capabilities', 'add')
    .map(String)
    .filter((capability) => !BASELINE_CAPABILITIES.has(capability));

const hostNamespaces = (spec: unknown): string[] => {
  const used = ['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => dig(spec, field) === true);
  return used.length === 0 ? [] : [`host namespaces (${used.map((field) => `${field}=true`).join(', ')})`];
};

const hostPorts = (spec: unknown): string[] => {
  const hostPort = (container: unknown): boolean =>
    listAt(container, 'ports').some((port) => Number(textAt(port, 'hostPort') || '0') > 0);
  return faulty(spec, hostPort, (who) => `hostPort (${who} uses a hostPort)`);
};

const hostPaths = (spec: unknown): string[] => {
  const volumes = listAt(spec, 'volumes').filter((volume) => dig(volume, 'hostPath') !== undefined);
  const names = volumes.map((volume) => `"${textAt(volume, 'name')}"`).join(', ');
  return volumes.length === 0 ? [] : [`hostPath volumes (volume${volumes.length > 1 ? 's' : ''} ${names})`];
};

const baseline = (spec: unknown): string[] => [
  ...hostNamespaces(spec),
  ...hostPaths(spec),
  ...hostPorts(spec),
  ...faulty(
    spec,
    (container) => dig(container, 'securityContext', 'privileged') === true,
    (who) => `privileged (${who} must not set securityContext.privileged=true)`,
  ),
  ...faulty(
    spec,
    (container) => addedBeyondBaseline(container).length > 0,
    (who) => `non-default capabilities (${who} must not include more in securityContext.capabilities.add)`,
  ),
];

const either = (spec: unknown, container: unknown, field: string): unknown =>
  dig(container, 'securityContext', field) ?? dig(spec, 'securityContext', field);

const restricted = (spec: unknown): string[] => [
  ...baseline(spec),
  ...faulty(
    spec,
    (container) => dig(container, 'securityContext', 'allowPrivilegeEscalation') !== false,
    (who) => `allowPrivilegeEscalation != false (${who} must set securityContext.allowPrivilegeEscalation=false)`,
  ),
  ...faulty(
    spec,
    (container) => !listAt(container, 'securityContext', 'capabilities', 'drop').includes('ALL'),
    (who) => `unrestricted capabilities (${who} must set securityContext.capabilities.drop=["ALL"])`,
  ),
  ...faulty(
    spec,
    (container) => either(spec, container, 'runAsNonRoot') !== true,
    (who) => `runAsNonRoot != true (pod or ${who} must set securityContext.runAsNonRoot=true)`,
  ),
  ...faulty(
    spec,
    (container) => textAt(either(spec, container, 'seccompProfile'), 'type') === '',
    (who) =>
      `seccompProfile (pod or ${who} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`,
  ),
];

/** The level that a cluster enforces where a namespace's labels say nothing: Talos' is baseline, k3s' privileged. */
export const defaultLevel = (configured: string): Level => {
  const level = readKnob('kube/psa-default')?.trim() ?? configured;
  return isLevel(level) ? level : 'privileged';
};

/** PodSecurity admission: why a pod may not be made in this namespace; undefined: it may. */
export const podSecurity = (pod: KubeObject, namespace: KubeObject, configured: string): StatusError | undefined => {
  if (EXEMPT.includes(namespace.metadata.name)) return undefined;
  const label = textAt(dictAt(namespace, 'metadata', 'labels'), 'pod-security.kubernetes.io/enforce');
  const level = isLevel(label) ? label : defaultLevel(configured);
  if (level === 'privileged') return undefined;
  const faults = level === 'baseline' ? baseline(pod.spec) : restricted(pod.spec);
  if (faults.length === 0) return undefined;
  return forbidden('pods', pod.metadata.name, `violates PodSecurity "${level}:latest": ${faults.join(', ')}`);
};
