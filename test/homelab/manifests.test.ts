import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SECRET } from '../../cli/homelab/instructions.ts';
import { readSettings } from '../../homelab/mesh-door/settings.ts';
import manifest from '../../package.json' with { type: 'json' };
import { skipLoudly } from '../system/support/nebula-programs.ts';
import { baselineFaults, restrictedFaults } from './pod-security.ts';
import {
  envFile,
  find,
  KUSTOMIZATIONS,
  Kustomization,
  listed,
  manifestFiles,
  manifests,
  type PodSpec,
  parseFile,
} from './support.ts';

const podOf = (kind: string, name: string): PodSpec => {
  const pod = find(kind, name).spec?.template?.spec;
  if (pod === undefined) throw new Error(`${kind} ${name} has no pod`);
  return pod;
};
describe('the manifests of the homelab', () => {
  it('are each listed in exactly one kustomization', () => {
    expect(listed().toSorted()).toEqual(manifestFiles().toSorted());
  });

  it('put everything that has a namespace into one of theirs', () => {
    const namespaces = new Set(
      manifests()
        .filter(({ kind }) => kind === 'Namespace')
        .map(({ metadata }) => metadata.name),
    );
    const clusterWide = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding']);
    const homeless = manifests()
      .filter(({ kind }) => !clusterWide.has(kind))
      .filter(({ metadata }) => !namespaces.has(metadata.namespace ?? ''));

    expect(homeless).toEqual([]);
  });

  it('name an image of this version for every container', () => {
    const [document] = parseFile('homelab/kustomization.yaml');
    const images = new Map(Kustomization.parse(document).images?.map(({ name, newTag }) => [name, newTag]));
    const used = manifests().flatMap(({ spec }) => spec?.template?.spec.containers.map(({ image }) => image) ?? []);

    expect(used.toSorted()).toEqual([...images.keys()].toSorted());
    expect([...new Set(images.values())]).toEqual([manifest.version]);
  });

  const kubectl = spawnSync('kubectl', ['kustomize', '--help'], { stdio: 'ignore' }).status === 0;
  it.skipIf(skipLoudly('kubectl kustomize homelab', kubectl ? undefined : 'no kubectl on PATH')).each(KUSTOMIZATIONS)(
    '%s is built by kubectl',
    (folder) => {
      const built = execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });

      expect(built).toMatch(/^kind: (ClusterRoleBinding|CiliumNetworkPolicy)$/m);
      expect(built).not.toMatch(/image: carrierarr\/[a-z-]+$/m);
    },
  );
});

describe('PodSecurity', () => {
  const level = (namespace: string): string | undefined =>
    find('Namespace', namespace).metadata.labels?.['pod-security.kubernetes.io/enforce'];

  it('is privileged where the door is, restricted where the control plane is, baseline elsewhere', () => {
    const levels = ['carrierarr-mesh', 'carrierarr', 'carrierarr-ssm', 'carrierarr-check'].map(level);

    expect(levels).toEqual(['privileged', 'restricted', 'baseline', 'baseline']);
  });

  it('says the same to enforce, audit and warn', () => {
    const odd = manifests()
      .filter(({ kind }) => kind === 'Namespace')
      .filter(({ metadata }) => new Set(Object.values(metadata.labels ?? {})).size !== 1);

    expect(odd).toEqual([]);
  });

  it('lets the SSM node in as it stands', () => {
    expect(baselineFaults(podOf('StatefulSet', 'ssm-node'))).toEqual([]);
  });

  it('would let the door in as restricted, were it not for the network of its node', () => {
    const { hostNetwork, ...pod } = podOf('Deployment', 'mesh-door');
    const containers = pod.containers.map(({ ports: _ports, ...container }) => container);

    expect(hostNetwork).toBe(true);
    expect(restrictedFaults({ ...pod, containers })).toEqual([]);
    expect(baselineFaults({ ...pod, hostNetwork: true })).toContain('host namespaces');
  });
});

describe('the SSM node', () => {
  const pod = podOf('StatefulSet', 'ssm-node');
  const [container] = pod.containers;

  it('is root without any capability', () => {
    expect(pod.securityContext).toMatchObject({ runAsUser: 0, seccompProfile: { type: 'RuntimeDefault' } });
    expect(container?.securityContext).toEqual({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
  });

  it('keeps its registration on a volume and credentials in memory', () => {
    const mountOf = (path: string) => container?.volumeMounts?.find(({ mountPath }) => mountPath === path)?.name;
    const claims = find('StatefulSet', 'ssm-node').spec?.volumeClaimTemplates;
    const credentials = container?.env?.find(({ name }) => name === 'AWS_SHARED_CREDENTIALS_FILE')?.value;

    expect(claims).toMatchObject([{ metadata: { name: mountOf('/var/lib/amazon/ssm') } }]);
    expect(credentials).toBe('/root/.aws/credentials');
    for (const path of ['/root', '/run'])
      expect(pod.volumes?.find(({ name }) => name === mountOf(path))).toMatchObject({ emptyDir: { medium: 'Memory' } });
  });

  it('takes the activation from the Secret that the command writes, and starts without it', () => {
    const { namespace, name, workload } = SECRET;

    expect(pod.volumes).toContainEqual(
      expect.objectContaining({ secret: expect.objectContaining({ secretName: name, optional: true }) }),
    );
    expect(find('StatefulSet', 'ssm-node').metadata).toMatchObject({ name: workload.split('/')[1], namespace });
  });

  it('lets nobody in', () => {
    expect(find('NetworkPolicy', 'nobody-in').spec).toEqual({ podSelector: {}, policyTypes: ['Ingress'], ingress: [] });
  });
});

describe('the door', () => {
  it('is handed settings it can use, and no name it does not know', () => {
    const source = readFileSync('homelab/mesh-door/settings.ts', 'utf8');
    const given = envFile('homelab/mesh-door.env');

    expect(Object.keys(given).filter((name) => !source.includes(`'${name}'`))).toEqual([]);
    expect(readSettings({ ...given, DOOR_HOST_ADDRESS: '192.168.1.54' })).toMatchObject({
      proxyPort: 3128,
      forward: { port: 50_051, host: 'carrierarr-control-plane.carrierarr.svc', targetPort: 50_051 },
    });
  });

  it('learns the address of its node, and runs where the lighthouse runs', () => {
    const pod = podOf('Deployment', 'mesh-door');

    expect(pod.containers[0]?.env).toEqual([
      { name: 'DOOR_HOST_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
    ]);
    expect(pod).toMatchObject({
      dnsPolicy: 'ClusterFirstWithHostNet',
      automountServiceAccountToken: false,
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            {
              topologyKey: 'kubernetes.io/hostname',
              namespaces: ['nebula'],
              labelSelector: { matchLabels: { app: 'nebula-lighthouse' } },
            },
          ],
        },
      },
    });
    expect(find('Deployment', 'mesh-door').spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
  });

  it('is called what the configuration calls it', () => {
    const { metadata, spec } = find('Service', 'mesh-door');

    expect(`http://${metadata.name}.${metadata.namespace}.svc:3128`).toBe('http://mesh-door.carrierarr-mesh.svc:3128');
    expect(spec?.ports).toMatchObject([{ port: 3128 }]);
  });
});
