import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { NodeType, RegisterRequestSchema } from '../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import type { Settings } from '../../../agent/worker/ports.ts';
import { createReporter, watchInterruption } from '../../../agent/worker/report/reporter.ts';
import { aGpuWorker, aSettings, FakeClock, type FakeNode } from '../support/fake-node.ts';

const IMDS = 'http://169.254.169.254/latest';

const aReporter = (node: FakeNode, settings: Partial<Settings> = {}) => ({
  reporter: createReporter(aSettings(settings), node, new FakeClock(), { log: () => {} }),
});

const withMetadata = (node: FakeNode, values: Readonly<Record<string, string>>): FakeNode => {
  node.page(`PUT ${IMDS}/api/token`, 'a-token');
  for (const [path, value] of Object.entries(values)) node.page(`GET ${IMDS}/meta-data/${path}`, value);
  return node;
};

describe('a registration', () => {
  it('asks the metadata for what the environment does not tell', async () => {
    const node = withMetadata(aGpuWorker(), {
      'placement/availability-zone': 'eu-west-1b',
      'instance-type': 'g4dn.xlarge',
      'instance-life-cycle': 'spot',
      'tags/instance/carrierarr:generation': 'mi9xk2',
      'tags/instance/carrierarr:fleet': 'burst',
    });

    const registration = await aReporter(node).reporter.registration();

    expect(registration).toMatchObject({
      nodeId: 'ip-10-0-1-7',
      nodeType: NodeType.GPU_WORKER,
      instanceId: 'i-0123456789abcdef0',
      nebulaIp: '10.100.3.7',
      publicIp: '203.0.113.7',
      region: 'eu-west-1',
      availabilityZone: 'eu-west-1b',
      instanceType: 'g4dn.xlarge',
      market: 'spot',
      worker: 'gpu-1',
      fleet: 'burst',
      generation: 'mi9xk2',
      capabilities: {
        hasGpu: true,
        gpuModel: 'Tesla T4',
        gpuCount: 1,
        gpuMemoryMb: 15360n,
        cpuCores: 4,
        memoryMb: 15625n,
        diskMb: 50000n,
      },
    });
    expect(() => create(RegisterRequestSchema, registration)).not.toThrow();
    expect(node.questions.join('\n')).not.toMatch(/placement\/region|meta-data\/instance-id|public-ipv4/);
  });

  it('asks once: what an instance is does not change', async () => {
    const node = withMetadata(aGpuWorker(), { 'instance-type': 'g4dn.xlarge' });
    const missing = 'tags/instance/carrierarr:generation';
    node.page(`GET ${IMDS}/meta-data/${missing}`, '', 404);
    const { reporter } = aReporter(node);
    await reporter.registration();
    node.questions.length = 0;

    await reporter.registration();

    expect(node.questions.join('\n')).not.toMatch(/instance-type|generation/);
  });

  it('is made without metadata, at the price of one question', async () => {
    const node = aGpuWorker();
    const { reporter } = aReporter(node, { instanceId: undefined, publicIp: '' });

    const registration = await reporter.registration();
    await reporter.registration();

    expect(registration).toMatchObject({
      instanceId: 'ip-10-0-1-7',
      publicIp: '',
      availabilityZone: '',
      generation: '',
    });
    expect(node.questions).toEqual([`PUT ${IMDS}/api/token`]);
  });

  it('opens a new session where the old one is over', async () => {
    const node = withMetadata(aGpuWorker(), {});
    let tokens = 0;
    node.pages.set(`PUT ${IMDS}/api/token`, () => ({ status: 200, text: `token-${++tokens}` }));
    node.pages.set(`GET ${IMDS}/meta-data/instance-type`, ({ headers }) =>
      headers?.['X-aws-ec2-metadata-token'] === 'token-1'
        ? { status: 401, text: '' }
        : { status: 200, text: 'g5.xlarge' },
    );

    expect((await aReporter(node).reporter.registration()).instanceType).toBe('g5.xlarge');
  });

  it('takes the mesh address from nebula0 where nobody told it', async () => {
    const node = aGpuWorker();
    node.addresses.set('nebula0', '10.100.3.9');
    node.addresses.set('nebula1', '10.100.3.1');

    expect((await aReporter(node, { nebulaIp: undefined }).reporter.registration()).nebulaIp).toBe('10.100.3.9');
  });
});

describe('the notice of an interruption', () => {
  it('is reported the moment its file is there, and other files are not', () => {
    const node = aGpuWorker();
    let reports = 0;
    const stop = watchInterruption(node, { reportSoon: () => reports++ });

    node.change('/run/carrierarr', '.interruption.json');
    node.change('/run/carrierarr', 'timeline');
    node.change('/run/carrierarr', 'interruption.json');
    stop();
    node.change('/run/carrierarr', 'interruption.json');

    expect(reports).toBe(1);
  });
});
