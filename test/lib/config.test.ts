import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FleetSettings } from '#contract';
import { deepMerge } from '../../lib/config/merge.ts';
import { configWarnings, explainConfigError, loadConfig, parseConfig, toFleetSettings } from '../../lib/config.ts';
import { faultsOf, fieldsOf } from './support/config-faults.ts';

const PEM = '-----BEGIN NEBULA CERTIFICATE-----\nCkcKEXRhbG9z\n-----END NEBULA CERTIFICATE-----\n';

describe('the defaults', () => {
  const config = parseConfig();

  it('are the seed’s', () => {
    expect(config).toMatchObject({
      region: 'us-west-2',
      secretPrefix: 'catalyst-llm',
      mesh: {
        cidr: '10.100.0.0/16',
        firstWorkerAddress: '10.100.2.1',
        lighthouse: { address: '10.100.0.1', endpoint: 'nebula.knowledgedump.space:4242' },
        ca: { signer: 'kms', name: 'talos-homelab-mesh' },
      },
      cluster: { name: 'aws-k3s', id: 2, podCidr: '10.42.0.0/16', serviceCidr: '10.43.0.0/16' },
      homelab: { clusterName: 'catalyst-homelab', podCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/12' },
      controlPlane: '10.100.0.1:50051',
      k3s: { version: 'v1.31.2+k3s1' },
      cilium: { version: '1.16.6', clusterMeshPort: 32379 },
      liqo: { gatewayPort: 32380 },
      images: { namePrefix: 'catalyst', nebulaVersion: '1.9.0', nvidiaDriver: '550', ollamaVersion: 'latest' },
    });
  });

  it('replace the seed’s values that cannot work by the recommended ones', () => {
    expect(config.roles.lighthouse.instanceTypes).toEqual(['t3.medium']);
    expect(config.roles['gpu-worker'].instanceTypes.slice(0, 2)).toEqual(['g4dn.xlarge', 'g5.xlarge']);
  });

  it('keep every value of the seed reachable', () => {
    const seed = parseConfig({
      roles: { lighthouse: { instanceTypes: ['t3.small'] } },
      nodes: {
        keyPair: 'hybrid-llm-key',
        instanceProfile: {
          name: 'catalyst-llm-gpu-worker',
          roleArn: 'arn:aws:iam::111122223333:role/catalyst-llm-gpu-worker',
        },
      },
    });

    expect(seed.nodes.keyPair).toBe('hybrid-llm-key');
  });
});

describe('parsing', () => {
  it('reports every fault at once, of the schema and between fields, with what, got and allowed', () => {
    const faults = faultsOf({
      bogus: 1,
      fleet: 'Not A Fleet',
      region: 'eu-west-1',
      mesh: { cidr: '10.42.0.0/16', certificateDays: 0 },
      roles: { lighthouse: { market: 'reserved' }, 'gpu-worker': { groups: ['homelab'] } },
      operations: { logRetentionDays: 2 },
    });

    expect(faults.map(({ field }) => field)).toEqual(
      expect.arrayContaining([
        'bogus',
        'fleet',
        'mesh.cidr',
        'mesh.certificateDays',
        'mesh.firstWorkerAddress',
        'mesh.lighthouse.address',
        'network.zones',
        'roles.lighthouse.market',
        'roles.gpu-worker.groups',
        'operations.logRetentionDays',
      ]),
    );
    expect(faults.every(({ what, got, allowed }) => [what, got, allowed].every((text) => text !== ''))).toBe(true);
    expect(faults.find(({ field }) => field === 'roles.lighthouse.market')).toMatchObject({
      got: '"reserved"',
      allowed: 'spot, on-demand',
    });
  });

  it('refuses ranges that overlap, pair by pair', () => {
    expect(faultsOf({ network: { vpcCidr: '10.244.128.0/20' } })).toMatchObject([
      { field: 'network.vpcCidr', what: 'overlaps homelab.podCidr' },
    ]);
    expect(fieldsOf({ cluster: { serviceCidr: '10.42.0.0/15' } })).toEqual(['cluster.podCidr']);
  });

  it('lets the mesh lie inside the homelab’s services, but not the other way round', () => {
    expect(fieldsOf({ mesh: { cidr: '10.100.0.0/16' } })).toEqual([]);
    expect(fieldsOf({ mesh: { cidr: '10.96.0.0/11' } })).toContain('mesh.cidr');
  });

  it.each([
    ['broadcast', '10.100.255.255'],
    ['network', '10.100.0.0'],
    ['another network’s', '10.99.0.1'],
  ])('refuses the %s address for the first worker', (_, firstWorkerAddress) => {
    expect(fieldsOf({ mesh: { firstWorkerAddress } })).toEqual(['mesh.firstWorkerAddress']);
  });

  it('refuses a mesh of public addresses, to which no node lets its agent out', () => {
    const mesh = { cidr: '44.100.0.0/16', firstWorkerAddress: '44.100.2.1', lighthouse: { address: '44.100.0.1' } };

    expect(fieldsOf({ mesh })).toEqual(['mesh.cidr']);
    expect(
      fieldsOf({
        mesh: {
          ...mesh,
          cidr: '100.100.0.0/16',
          firstWorkerAddress: '100.100.2.1',
          lighthouse: { address: '100.100.0.1' },
        },
      }),
    ).toEqual([]);
  });

  it('wants one subnet per zone with an existing VPC', () => {
    const zones = ['us-west-2a', 'us-west-2b'];
    const network = { vpcId: 'vpc-0abc12345678', zones, subnetIds: ['subnet-0abc12345678'] };

    expect(fieldsOf({ network })).toEqual(['network.subnetIds']);
    expect(fieldsOf({ network: { subnetIds: ['subnet-0abc12345678'] } })).toEqual(['network.subnetIds']);
    expect(fieldsOf({ network: { ...network, subnetIds: ['subnet-0abc12345678', 'subnet-0def12345678'] } })).toEqual(
      [],
    );
  });

  it('wants secret and certificate with the signer secret, and neither with kms', () => {
    const secretArn = 'arn:aws:secretsmanager:us-west-2:111122223333:secret:nebula-ca-AbCdEf';

    expect(fieldsOf({ mesh: { ca: { signer: 'secret' } } })).toEqual(['mesh.ca.secretArn', 'mesh.ca.certificate']);
    expect(fieldsOf({ mesh: { ca: { secretArn } } })).toEqual(['mesh.ca.secretArn']);
    expect(fieldsOf({ mesh: { ca: { signer: 'secret', secretArn, certificate: PEM } } })).toEqual([]);
  });

  it('refuses more trusted CAs than an environment variable holds', () => {
    expect(fieldsOf({ mesh: { trustedCas: Array.from({ length: 40 }, () => PEM) } })).toEqual(['mesh.trustedCas']);
  });

  it('takes no PEM that holds a key', () => {
    const key = '-----BEGIN NEBULA ED25519 PRIVATE KEY-----\nAAAA\n-----END NEBULA ED25519 PRIVATE KEY-----\n';

    expect(fieldsOf({ mesh: { trustedCas: [key] } })).toEqual(['mesh.trustedCas.0']);
  });
});

describe('explaining', () => {
  const errorOf = (run: () => unknown): unknown => {
    try {
      return run();
    } catch (error) {
      return error;
    }
  };

  it('gives every fault a line, and the remedy', () => {
    const text = explainConfigError(errorOf(() => parseConfig({ bogus: 1, fleet: 'X' })));

    expect(text?.split('\n')).toEqual([
      'The configuration has faults:',
      expect.stringMatching(/^ {2}fleet: .*; got "X"; allowed: 1 to 20/),
      expect.stringMatching(/^ {2}bogus: unknown field/),
      expect.stringMatching(/^Remedy: correct context\.carrierarr/),
    ]);
  });

  it('leaves foreign errors to their stack', () => {
    expect(explainConfigError(new Error('out of memory'))).toBeUndefined();
  });
});

describe('merging', () => {
  it('goes key by key through objects and replaces lists', () => {
    const merged = deepMerge({ a: { b: 1, c: [1, 2] }, d: 1 }, { a: { c: [3] }, e: 2 });

    expect(merged).toEqual({ a: { b: 1, c: [3] }, d: 1, e: 2 });
  });

  it('puts the file named by CARRIERARR_CONFIG over the context', () => {
    const directory = mkdtempSync(join(tmpdir(), 'carrierarr-config-'));
    const file = join(directory, 'config.json');
    writeFileSync(file, JSON.stringify({ fleet: 'from-file' }));

    const config = loadConfig({ fleet: 'from-context', secretPrefix: 'mine' }, { CARRIERARR_CONFIG: file });
    rmSync(directory, { recursive: true });

    expect(config).toMatchObject({ fleet: 'from-file', secretPrefix: 'mine' });
  });

  it('says which file it could not read', () => {
    expect(() => loadConfig({}, { CARRIERARR_CONFIG: '/nowhere/config.json' })).toThrow(/nowhere\/config\.json/);
  });
});

describe('warnings', () => {
  const ids = (...layers: unknown[]) => configWarnings(parseConfig(...layers)).map(({ id }) => id);

  it('say that nothing handshakes without the homelab’s CA', () => {
    expect(ids({})).toContain('homelab-trust');
    expect(ids({ mesh: { trustedCas: [PEM] } })).not.toContain('homelab-trust');
  });

  it('name what is too small and what is not the fleet’s own', () => {
    expect(ids({ roles: { lighthouse: { instanceTypes: ['t3.small'] } } })).toContain('small-lighthouse');
  });

  it('stop being warnings once acknowledged', () => {
    const [first] = configWarnings(parseConfig({ acknowledge: ['homelab-trust'] }));

    expect(first).toMatchObject({ id: 'homelab-trust', acknowledged: true });
  });

  it('are all acknowledged in the cdk.json that ships', () => {
    const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: { carrierarr: unknown } };

    expect(configWarnings(parseConfig(context.carrierarr)).filter(({ acknowledged }) => !acknowledged)).toEqual([]);
  });
});

describe('settings for the functions', () => {
  it('fit the contract and hold nothing else', () => {
    const settings = toFleetSettings(parseConfig({}), ['subnet-1']);

    expect(FleetSettings.parse(settings)).toEqual(settings);
  });
});
