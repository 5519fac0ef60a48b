import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OUTPUT } from '#contract';
import { NodeView } from '../../../agent/control-plane/views.ts';
import { askControlPlane } from '../../../cli/doors/control-plane.ts';
import { type FakeApi, startFakeApi } from '../support/api-server.ts';
import { aWorker, NOW } from '../support/builders.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';

const ago = (seconds: number): string => new Date(NOW.getTime() - seconds * 1000).toISOString();

const aNode = (overrides: Partial<NodeView> = {}): NodeView =>
  NodeView.parse({
    id: 'ip-10-80-0-7',
    type: 'NODE_TYPE_GPU_WORKER',
    instance_id: 'i-0123456789abcdef0',
    nebula_ip: '10.100.2.1',
    public_ip: '203.0.113.7',
    connected: true,
    last_seen: ago(12),
    stream_active: true,
    worker: 'gpu-1',
    state: 'online',
    region: 'us-west-2',
    az: 'us-west-2a',
    instance_type: 'g4dn.xlarge',
    market: 'spot',
    fleet: 'carrierarr',
    generation: 'm1abcd',
    agent_version: '0.5.0',
    busy_with: '',
    interruption: null,
    health: 'HEALTH_STATE_HEALTHY',
    uptime_seconds: 10_800,
    idle_seconds: 780,
    gpu_count: 1,
    loaded_models: 2,
    labels: {},
    capabilities: null,
    connected_at: ago(10_000),
    registered_at: ago(10_000),
    timeline: [],
    status: {
      health: 'HEALTH_STATE_HEALTHY',
      uptime_seconds: 10_800,
      idle_seconds: 780,
      timestamp: ago(12),
      services: {
        nebula: { state: 'SERVICE_STATE_RUNNING', message: '', uptime_seconds: 10_790 },
        k3s: { state: 'SERVICE_STATE_RUNNING', message: '', uptime_seconds: 10_790 },
        ollama: { state: 'SERVICE_STATE_NOT_INSTALLED', message: '', uptime_seconds: 0 },
        liqo: null,
      },
    },
    gpus: [
      {
        index: 0,
        name: 'Tesla T4',
        memory_used_mb: 2048,
        memory_total_mb: 15_360,
        utilization: 36.6,
        temperature_c: 54,
      },
    ],
    models: [{ name: 'llama3:8b', size_bytes: 1, currently_loaded: true }],
    ...overrides,
  });

let fleet: DeployedFleet;
let homelab: FakeApi;
beforeEach(async () => {
  // The command waits two seconds; the machine that tests it may stand still for as long.
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => new AbortController().signal);
  fleet = await deployedFleet();
  homelab = await startFakeApi();
  const workers = [aWorker({ name: 'gpu-1' }), aWorker({ name: 'gpu-2', address: '10.100.2.2' })];
  fleet.api.answer('GET /workers', { status: 200, body: { workers } });
  fleet.api.answer('GET /workers/gpu-1', { status: 200, body: workers[0] });
  homelab.answer('GET /api/v1/nodes', { status: 200, body: [aNode()] });
  homelab.answer('GET /api/v1/nodes/ip-10-80-0-7', { status: 200, body: aNode() });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all([fleet.close(), homelab.close()]);
});

/** Title and value of the columns behind those of the registry, line by line. */
const agentCells = (out: string): string[][] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/).slice(11));

describe('status with a control plane', () => {
  it('shows what the agents report beside what the registry knows', async () => {
    const { code, out } = await fleet.run(['status', '--control-plane', homelab.url]);

    expect(code).toBe(0);
    expect(agentCells(out)).toEqual([
      ['AGENT', 'GPU', 'MODELS', 'IDLE'],
      ['online', '1', '2', '13m'],
      ['unheard', '-', '-', '-'],
    ]);
  });

  it.each([
    [{ state: 'stale', last_seen: ago(180) }, 'stale 3m'],
    [{ state: 'dead', last_seen: ago(7_200) }, 'dead 2h'],
    [{ health: 'HEALTH_STATE_DEGRADED' }, 'degraded'],
    [{ health: 'HEALTH_STATE_UNSPECIFIED' }, 'online'],
    [{ state: 'gone' }, 'unheard'],
    [{ generation: 'm0other' }, 'unheard'],
    // An agent that says no name is known by its address.
    [{ worker: '', generation: '' }, 'online'],
  ] as const)('says of an agent with %o that it is %s', async (facts, said) => {
    homelab.answer('GET /api/v1/nodes', { status: 200, body: [aNode(facts)] });

    const { out } = await fleet.run(['status', '--control-plane', homelab.url]);

    expect(agentCells(out)[1]?.[0]).toBe(said);
  });

  it('shows all that one agent reports', async () => {
    const { out } = await fleet.run(['status', 'gpu-1'], {
      environment: { CARRIERARR_CONTROL_PLANE_URL: homelab.url },
    });

    expect(out).toContain('agent        online, heard 12s ago, 0.5.0\n');
    expect(out).toContain('idle for     13m\n');
    expect(out).toContain('services     nebula running, k3s running, ollama not installed\n');
    expect(out).toContain('gpus         Tesla T4 37 %, 2048 of 15360 MB, 54 °C\n');
    expect(out).toContain('models       llama3:8b (loaded)\n');
  });

  it('shows no words of an agent that would steer the terminal', async () => {
    const steering = aNode({
      busy_with: 'a\u001b[2J\nb',
      models: [{ name: '\u009b31m', size_bytes: 1, currently_loaded: false }],
    });
    homelab.answer('GET /api/v1/nodes', { status: 200, body: [steering] });
    homelab.answer(`GET /api/v1/nodes/${steering.id}`, { status: 200, body: steering });

    const { out } = await fleet.run(['status', 'gpu-1', '--control-plane', homelab.url]);

    expect(out).toContain('busy with    a[2Jb\n');
    expect(out).toContain('models       31m\n');
  });

  it('asks where the stack says that it is, unless told to ask nobody', async () => {
    fleet.cloudFormation.on(DescribeStacksCommand, { StackName: 'carrierarr-mesh' }).resolves({
      Stacks: [
        {
          StackName: 'carrierarr-mesh',
          CreationTime: NOW,
          StackStatus: 'CREATE_COMPLETE',
          Outputs: [{ OutputKey: OUTPUT.controlPlaneUrl, OutputValue: homelab.url }],
        },
      ],
    });

    expect((await fleet.run('status')).out).toContain('AGENT');
    expect((await fleet.run(['status', '--control-plane', ''])).out).not.toContain('AGENT');
  });

  it('is JSON with --json: each worker with its agent', async () => {
    const { out } = await fleet.run(['status', '--json', '--control-plane', homelab.url]);

    expect(JSON.parse(out)).toMatchObject({
      workers: [
        { name: 'gpu-1', agent: { id: 'ip-10-80-0-7', idle_seconds: 780 } },
        { name: 'gpu-2', agent: null },
      ],
      controlPlane: { url: homelab.url, answered: true, silence: null },
    });
  });
});

describe('a control plane that says nothing', () => {
  it('costs a line and never the command', async () => {
    await homelab.close();

    const { code, out } = await fleet.run(['status', '--control-plane', homelab.url]);

    expect(code).toBe(0);
    expect(out).not.toContain('AGENT');
    expect(out).toMatch(/^gpu-1 /m);
    expect(out).toMatch(/The control plane at http:\S+ says nothing of agents: .*ECONNREFUSED/);
    homelab = await startFakeApi();
  });

  it('is told from one that answered in JSON too', async () => {
    homelab.answer('GET /api/v1/nodes', { status: 503, body: {} });

    const { out } = await fleet.run(['status', 'gpu-1', '--json', '--control-plane', homelab.url]);

    expect(JSON.parse(out)).toMatchObject({
      name: 'gpu-1',
      agent: null,
      controlPlane: { answered: false, silence: 'it answered 503' },
    });
  });

  it.each([
    ['that is something else', () => homelab.answer('GET /api/v1/nodes', { status: 200, body: { hello: 'world' } })],
    ['that is no URL', () => undefined],
  ])('%s is no fault of the fleet', async (what, prepare) => {
    prepare();
    const url = what.endsWith('URL') ? 'fleet.home.arpa' : homelab.url;

    const { code, out } = await fleet.run(['status', '--control-plane', url]);

    expect(code).toBe(0);
    expect(out).toContain('says nothing of agents');
  });

  it('is waited for no longer than a moment', async () => {
    vi.restoreAllMocks();
    const { createServer } = await import('node:net');
    const mute = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    const address = mute.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;

    const { silence } = await askControlPlane(`http://127.0.0.1:${port}`, undefined, 100);

    mute.close();
    expect(silence).toBe('no answer within 0.1 s');
  });
});

describe('what AWS was told', () => {
  it('shows since when a worker is idle and when it goes', async () => {
    const idle = {
      since: '2026-11-21T11:30:00.000Z',
      observedAt: '2026-11-21T11:56:00.000Z',
      warnedAt: '2026-11-21T11:56:01.000Z',
      teardownAt: '2026-11-21T12:01:01.000Z',
    };
    const agentHealth = { state: 'idle', observedAt: idle.observedAt } as const;
    fleet.api.answer('GET /workers/gpu-1', { status: 200, body: aWorker({ name: 'gpu-1', idle, agentHealth }) });

    const { out } = await fleet.run('status gpu-1');

    expect(out).toContain(
      'idle         since 2026-11-21T11:30:00.000Z, as of 2026-11-21T11:56:00.000Z; ' +
        'to be torn down at 2026-11-21T12:01:01.000Z unless it gets work\n',
    );
    expect(out).toContain('told to AWS  idle as of 2026-11-21T11:56:00.000Z\n');
  });

  it('shows why a worker went', async () => {
    const removal = { reason: 'idle', text: 'idle since noon', at: '2026-11-21T12:01:02.000Z' } as const;
    const worker = aWorker({ name: 'gpu-1', phase: 'REMOVED', removal });
    fleet.api.answer('GET /workers/gpu-1', { status: 200, body: worker });

    expect((await fleet.run('status gpu-1')).out).toContain(
      'removal      idle: idle since noon (2026-11-21T12:01:02.000Z)\n',
    );
  });
});
