import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { readAwsSettings } from '../../agent/control-plane/aws/settings.ts';
import { OPTIONS } from '../../agent/control-plane/options.ts';
import { readSettings } from '../../agent/control-plane/settings.ts';
import { CONTROL_PLANE_SECRETS } from '../../cli/homelab/control-plane-secrets.ts';
import { readSettings as readDoorSettings } from '../../homelab/mesh-door/settings.ts';
import { DEFAULTS } from '../../lib/config/defaults.ts';
import { lets, type Party, type Pod } from './network-policy.ts';
import { restrictedFaults } from './pod-security.ts';
import { envFile, find } from './support.ts';

const { namespace, service, port } = DEFAULTS.homelab.controlPlane;
const deployment = find('Deployment', service);
const pod = deployment.spec?.template?.spec;
const container = pod?.containers[0];
const environment = {
  ...envFile('homelab/control-plane.env'),
  ...Object.fromEntries(container?.env?.map(({ name, value = '' }) => [name, value]) ?? []),
};

describe('the control plane', () => {
  it('is let in as restricted, as it stands', () => {
    expect(pod && restrictedFaults(pod)).toEqual([]);
    expect(find('Namespace', namespace).metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
    });
  });

  it('needs nothing of the cluster, and writes to its volume alone', () => {
    expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(pod?.serviceAccountName).toBeUndefined();
    expect(container?.securityContext).toMatchObject({ readOnlyRootFilesystem: true });
    const writable = container?.volumeMounts
      ?.filter(({ readOnly }) => readOnly !== true)
      .map(({ mountPath }) => mountPath);
    expect(writable).toEqual([OPTIONS['data-dir'].preset, '/tmp']);
  });

  it('is one, on a volume that outlives it and that its user may write', () => {
    expect(deployment.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    expect(pod?.securityContext).toMatchObject({ runAsUser: 65532, fsGroup: 65532 });
    expect(pod?.volumes).toContainEqual({ name: 'data', persistentVolumeClaim: { claimName: service } });
    expect(find('PersistentVolumeClaim', service).metadata.namespace).toBe(namespace);
  });

  it('is called and listens as code, configuration and door have it', () => {
    const { spec, metadata } = find('Service', service);
    const ports = { [OPTIONS['grpc-addr'].preset]: 'grpc', [OPTIONS['http-addr'].preset]: 'http' };
    const { forward } = readDoorSettings({ ...envFile('homelab/mesh-door.env'), DOOR_HOST_ADDRESS: '192.168.1.54' });

    expect(container?.ports).toMatchObject(
      Object.entries(ports).map(([address, name]) => ({ name, containerPort: Number(address.slice(1)) })),
    );
    expect(spec?.ports).toMatchObject([
      { port: 50_051, targetPort: 'grpc' },
      { port, targetPort: 'http' },
    ]);
    expect(forward).toMatchObject({ host: `${metadata.name}.${metadata.namespace}.svc`, targetPort: 50_051 });
    expect(find('Role', 'carrierarr-ask').rules?.[0]?.resourceNames).toContain(`${service}:${port}`);
  });

  it('keeps the NodePort that homelabs know', () => {
    expect(find('Service', 'control-plane-external').spec).toMatchObject({
      type: 'NodePort',
      ports: [{ port: 50_051, nodePort: 30_052, targetPort: 'grpc' }],
    });
  });

  it('is chosen by every Service of it, and watched where it says how it is', () => {
    const labels = { app: service };

    for (const name of [service, 'control-plane-external'])
      expect(find('Service', name).spec).toMatchObject({ selector: labels });
    expect(deployment.spec).toMatchObject({ selector: { matchLabels: labels }, template: { metadata: { labels } } });
    expect(container).toMatchObject({
      startupProbe: { httpGet: { path: '/health', port: 'http' } },
      readinessProbe: { httpGet: { path: '/ready', port: 'http' } },
      livenessProbe: { httpGet: { path: '/health', port: 'http' } },
    });
  });
});

describe('its settings', () => {
  it('are taken as they are delivered: AWS is told nothing', () => {
    expect(readSettings([], environment)).toMatchObject({
      agentsWithoutToken: 'refuse',
      agentKeyFile: '/etc/carrierarr/agent-key/keys',
      maxConnectionAge: 1_800_000,
    });
    expect(readAwsSettings(environment)).toBeUndefined();
  });

  it('hold no name that nobody reads', () => {
    const source = readFileSync('agent/control-plane/aws/settings.ts', 'utf8');
    const known = new Set<string>(Object.values(OPTIONS).map(({ variable }) => variable));

    expect(Object.keys(environment).filter((name) => !known.has(name) && !source.includes(`  ${name}:`))).toEqual([]);
  });

  it('point at the Secrets that the command makes, none of which must be there', () => {
    const { agentKey, commandToken, aws } = CONTROL_PLANE_SECRETS;
    const fileOf = (secret: string, key: string): string => {
      const volume = pod?.volumes?.find((one) => JSON.stringify(one).includes(`"${secret}"`));
      expect(volume).toMatchObject({ secret: { secretName: secret, optional: true, defaultMode: 0o440 } });
      return `${container?.volumeMounts?.find(({ name }) => name === volume?.name)?.mountPath}/${key}`;
    };

    expect(environment).toMatchObject({
      AGENT_KEY_FILE: fileOf(agentKey.name, agentKey.key),
      COMMAND_TOKEN_FILE: fileOf(commandToken.name, commandToken.key),
      CONTROL_PLANE_AWS_CERT_FILE: fileOf(aws.name, aws.certificate),
      CONTROL_PLANE_AWS_KEY_FILE: fileOf(aws.name, aws.key),
    });
    expect(CONTROL_PLANE_SECRETS.namespace).toBe(namespace);
  });
});

describe('its network', () => {
  const own: Pod = { kind: 'pod', namespace, labels: { app: service } };
  const stranger: Pod = { kind: 'pod', namespace, labels: { app: 'something-else' } };
  const node: Party = { kind: 'node' };
  const NAMES = { grpc: 50_051, http: 8090 };
  const reached = (by: Party, port: number): boolean => lets('Ingress', own, by, [port, 'TCP'], NAMES);

  it('is open to agents, who come from a node that no selector matches', () => {
    expect(reached(node, 50_051)).toBe(true);
  });

  it.each([
    ['the API server’s proxy, for VerifyAgent', node],
    ['an ingress controller', { kind: 'pod', namespace: 'traefik', labels: {} } as const],
    ['the LAN', { kind: 'outside' } as const],
  ])('is open at 8090 to %s', (_, party) => {
    expect(reached(party, 8090)).toBe(true);
  });

  it.each([22, 80, 443, 6443, 9090])('is closed at %d', (closed) => {
    expect(reached(node, closed)).toBe(false);
  });

  it.each([
    [53, 'UDP', true],
    [53, 'TCP', true],
    [443, 'TCP', true],
    [443, 'UDP', false],
    [80, 'TCP', false],
    [6443, 'TCP', false],
    [50_051, 'TCP', false],
  ] as const)('lets it out to %d/%s: %s', (to, protocol, allowed) => {
    expect(lets('Egress', own, { kind: 'outside' }, [to, protocol])).toBe(allowed);
  });

  it('is shut for whatever else comes into the namespace', () => {
    expect(lets('Ingress', stranger, own, [8090, 'TCP'])).toBe(false);
    expect(lets('Egress', stranger, own, [8090, 'TCP'])).toBe(false);
  });

  it('is narrowed, where Cilium runs, to nodes: no pod and nobody outside comes to 50051', () => {
    const { spec } = find('CiliumNetworkPolicy', 'carrierarr-agents-by-the-door');
    const agents = [{ ports: [{ port: '50051', protocol: 'TCP' }] }];

    expect(spec).toEqual({
      endpointSelector: { matchLabels: { app: service } },
      ingressDeny: [
        { fromEntities: ['world'], toPorts: agents },
        {
          fromEndpoints: [{ matchExpressions: [{ key: 'k8s:io.kubernetes.pod.namespace', operator: 'Exists' }] }],
          toPorts: agents,
        },
      ],
    });
  });
});

describe('its image', () => {
  const dockerfile = readFileSync('agent/control-plane/Dockerfile', 'utf8');

  it('holds what the build makes, the page beside the program, and no shell’s PID 1', () => {
    expect(dockerfile).toMatch(/^COPY .*dist\/control-plane\.mjs \/app\/control-plane\.mjs$/m);
    expect(dockerfile).toMatch(/^COPY .*dist\/page \/app\/page$/m);
    expect(dockerfile).toMatch(/^ENTRYPOINT \["node", /m);
    expect(dockerfile).toMatch(/^USER 65532:65532$/m);
  });

  it('gives JavaScript about half of what the pod may have', () => {
    const heap = Number(/--max-old-space-size=(\d+)/.exec(dockerfile)?.[1]);
    const { limits } = z.object({ limits: z.object({ memory: z.string() }) }).parse(container?.resources);

    expect(heap * 2).toBeLessThanOrEqual(Number(limits.memory.replace('Mi', '')));
  });
});
