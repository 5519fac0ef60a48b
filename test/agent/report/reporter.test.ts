import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { HealthState, NodeStatusSchema, ServiceState } from '../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import type { Ran, Settings } from '../../../agent/worker/ports.ts';
import { createReporter } from '../../../agent/worker/report/reporter.ts';
import { aGpuWorker, aSettings, aUnit, cpuTicks, FakeClock, type FakeNode, noUnit, ran } from '../support/fake-node.ts';

const aReporter = (node: FakeNode, settings: Partial<Settings> = {}) => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = (level: string, event: string, facts = {}) =>
    void lines.push(`${level} ${event} ${JSON.stringify(facts)}`);
  return { clock, lines, reporter: createReporter(aSettings(settings), node, clock, { log }) };
};

describe('a status', () => {
  it('tells of services, resources, GPUs, models, boot and health at once', async () => {
    const { reporter } = aReporter(aGpuWorker());

    const status = await reporter.status();

    expect(status).toMatchObject({
      nodeId: 'ip-10-0-1-7',
      nebula: { state: ServiceState.RUNNING, uptimeSeconds: 990n },
      k3s: { state: ServiceState.RUNNING },
      ollama: { state: ServiceState.RUNNING },
      liqo: { state: ServiceState.NOT_INSTALLED },
      resources: { cpuPercent: 1, memoryUsedMb: 3906n, memoryTotalMb: 15625n, diskUsedMb: 12000n, diskTotalMb: 50000n },
      gpus: [
        {
          index: 0,
          name: 'Tesla T4',
          memoryUsedMb: 3n,
          memoryTotalMb: 15360n,
          utilizationPercent: 0,
          temperatureC: 34,
        },
      ],
      loadedModels: [
        { name: 'llama3.2:3b', sizeBytes: 2019393189n, currentlyLoaded: true },
        { name: 'qwen3:8b', sizeBytes: 5200000000n, currentlyLoaded: false },
      ],
      uptimeSeconds: 1000n,
      idleSeconds: 0n,
      health: HealthState.HEALTHY,
      bootTimeline: [{ mark: 'kernel-start' }, { mark: 'boot-done' }],
      busyWith: '',
    });
    expect(status.interruption).toBeUndefined();
    expect(toBinary(NodeStatusSchema, create(NodeStatusSchema, status)).length).toBeLessThan(2048);
  });

  it('starts two programs and no more', async () => {
    const node = aGpuWorker();

    await aReporter(node).reporter.status();

    expect(node.commands.map((command) => command.split(' ')[0])).toEqual(['systemctl', 'nvidia-smi']);
  });

  it('is made once for those who ask at the same time', async () => {
    const node = aGpuWorker();
    const { reporter } = aReporter(node);

    await Promise.all([reporter.status(), reporter.status(), reporter.status()]);

    expect(node.commands).toHaveLength(2);
  });

  it('carries the notice of EC2', async () => {
    const node = aGpuWorker();
    node.files.set(
      '/run/carrierarr/interruption.json',
      '{"action":"terminate","time":"2026-11-22T06:02:00Z","at":"2026-11-22T06:00:03Z"}',
    );

    const { interruption } = await aReporter(node).reporter.status();

    expect(interruption).toMatchObject({ action: 'terminate', time: { seconds: 1795327320n } });
  });

  it('tells the processor use between two looks', async () => {
    const node = aGpuWorker();
    const { reporter } = aReporter(node);
    await reporter.status();
    node.files.set('/proc/stat', cpuTicks(1000 + 3000, 99_000 + 9000));

    const { resources, busyWith } = await reporter.status();

    expect(resources?.cpuPercent).toBe(25);
    expect(busyWith).toBe('cpu: 1.0 cores');
  });

  it('tells of the disk that is fuller: root volume or the models', async () => {
    const node = aGpuWorker();
    node.disks.set('/var/lib/ollama', { used: 110_000, total: 116_000 });

    const { resources } = await aReporter(node).reporter.status();

    expect(resources).toMatchObject({ diskUsedMb: 110_000n, diskTotalMb: 116_000n });
  });
});

describe('a probe that fails', () => {
  it('and hangs costs the others nothing', async () => {
    const node = aGpuWorker();
    node.program('nvidia-smi', () => new Promise<Ran>(() => {}));
    const { reporter, clock, lines } = aReporter(node);

    const status = reporter.status();
    await clock.advance(0);
    await clock.advance(9000);

    expect(await status).toMatchObject({
      nebula: { state: ServiceState.RUNNING },
      gpus: [],
      health: HealthState.DEGRADED,
      busyWith: 'unknown: no answer within 9 s',
    });
    expect(lines).toEqual(['warn probe-failed {"probe":"gpus","reason":"no answer within 9 s"}']);
    expect(clock.sleepers).toBe(0);
  });

  it('and still hangs is neither started again nor waited for', async () => {
    const node = aGpuWorker();
    const well = node.readText;
    node.readText = (path) => (path === '/proc/meminfo' ? new Promise(() => {}) : well.call(node, path));
    const { reporter, clock, lines } = aReporter(node);
    const first = reporter.status();
    await clock.advance(0);
    await clock.advance(9000);
    await first;
    await clock.advance(30_000);

    await expect(reporter.status()).resolves.toMatchObject({ resources: { memoryTotalMb: 0n, diskTotalMb: 50_000n } });

    expect(lines.at(-1)).toBe('warn probe-failed {"probe":"memory","reason":"it still hangs"}');
  });

  it('is not started again while it hangs, and rarer after each failure', async () => {
    const node = aGpuWorker();
    node.program('nvidia-smi', ran('', 124));
    const { reporter, clock } = aReporter(node);
    const looks = () => node.commands.filter((command) => command.startsWith('nvidia-smi')).length;

    const counts: number[] = [];
    for (let status = 0; status < 8; status += 1) {
      await reporter.status();
      counts.push(looks());
      await clock.advance(30_000);
    }

    expect(counts).toEqual([1, 2, 2, 3, 3, 3, 3, 4]);
  });

  it('leaves unknown what it would have told, and the health with it', async () => {
    const node = aGpuWorker();
    node.program('systemctl show', ran('', 1, 'Failed to connect to bus: Connection refused\n'));

    const status = await aReporter(node).reporter.status();

    expect(status.nebula).toEqual({
      state: ServiceState.UNSPECIFIED,
      message: 'unknown: systemctl ended with 1: Failed to connect to bus: Connection refused',
    });
    expect(status.health).toBe(HealthState.UNSPECIFIED);
  });

  it('is told once when it comes and once when it goes', async () => {
    const node = aGpuWorker();
    const { reporter, lines } = aReporter(node);
    const well = node.readText;
    node.readText = (path) => (path === '/proc/meminfo' ? Promise.reject(new Error('EIO')) : well.call(node, path));
    await reporter.status();
    await reporter.status();
    node.readText = well;

    await reporter.status();

    expect(lines).toEqual([
      'warn probe-failed {"probe":"memory","reason":"EIO"}',
      'info probe-works-again {"probe":"memory"}',
    ]);
  });
});

describe('a GPU that does not answer', () => {
  const failing = (devices: string): FakeNode => {
    const node = aGpuWorker();
    node.program(
      'nvidia-smi',
      ran("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", 9),
    );
    node.files.set('/proc/bus/pci/devices', devices);
    return node;
  };

  it('is a fault where there is one', async () => {
    const status = await aReporter(failing('0018\t1d0f8061\t0\n00f0\t10de1eb8\t0\n')).reporter.status();

    expect(status.health).toBe(HealthState.DEGRADED);
    expect(status.busyWith).toMatch(/^unknown: nvidia-smi ended with 9: NVIDIA-SMI has failed/);
  });

  it('is none where the machine has no such device', async () => {
    const status = await aReporter(failing('0018\t1d0f8061\t10de\n10de\t1d0fec20\t0\n')).reporter.status();

    expect(status).toMatchObject({ health: HealthState.HEALTHY, busyWith: '', gpus: [] });
  });
});

describe('health', () => {
  const units = (overrides: Readonly<Record<string, Readonly<Record<string, string>>>>, missing = ['k3s']) =>
    ran(
      ['nebula', 'k3s', 'k3s-agent', 'ollama']
        .map((name) => (missing.includes(name) ? noUnit(name) : aUnit(name, overrides[name])))
        .join('\n\n'),
    );
  const down = { ActiveState: 'inactive', SubState: 'dead' };
  const healthOf = async (node: FakeNode, settings: Partial<Settings> = {}) =>
    (await aReporter(node, settings).reporter.status()).health;

  it.each([
    ['without mesh', { nebula: down }, ['k3s'], HealthState.UNHEALTHY],
    ['without its cluster', { 'k3s-agent': down }, ['k3s'], HealthState.UNHEALTHY],
    ['that is in no cluster', {}, ['k3s', 'k3s-agent'], HealthState.HEALTHY],
    ['without Ollama', { ollama: down }, ['k3s'], HealthState.DEGRADED],
    ['that has no Ollama at all', {}, ['k3s', 'ollama'], HealthState.DEGRADED],
  ])('of a gpu-worker %s', async (_, overrides, missing, health) => {
    const node = aGpuWorker();
    node.program('systemctl show', units(overrides, missing));

    expect(await healthOf(node)).toBe(health);
  });

  it('of a gpu-worker whose Ollama runs and gives no answer is degraded', async () => {
    const node = aGpuWorker();
    node.pages.clear();
    const { reporter } = aReporter(node);

    const { ollama, health } = await reporter.status();

    expect(ollama).toMatchObject({ state: ServiceState.ERROR, message: 'active, gives no answer' });
    expect(health).toBe(HealthState.DEGRADED);
  });

  it('of a cpu-worker does not ask for Ollama', async () => {
    const node = aGpuWorker();
    node.program('systemctl show', units({}, ['k3s', 'ollama']));

    expect(await healthOf(node, { nodeType: 'cpu-worker' })).toBe(HealthState.HEALTHY);
  });

  it('of a lighthouse follows Liqo, where it is installed', async () => {
    const node = aGpuWorker();
    node.program('systemctl show', units({}, ['k3s-agent', 'ollama']));
    node.files.set('/etc/rancher/k3s/k3s.yaml', 'kind: Config\n');
    node.program('k3s', ran('{"items":[]}'));
    expect(await healthOf(node, { nodeType: 'lighthouse' })).toBe(HealthState.HEALTHY);

    node.program('k3s', ran('{"items":[{"metadata":{"name":"gw"},"status":{"phase":"Pending"}}]}'));
    expect(await healthOf(node, { nodeType: 'lighthouse' })).toBe(HealthState.DEGRADED);
  });
});

describe('Liqo on a lighthouse', () => {
  it('is asked for every five minutes while it is well, every minute while it is not', async () => {
    const node = aGpuWorker();
    node.files.set('/etc/rancher/k3s/k3s.yaml', 'kind: Config\n');
    node.program('k3s', ran('', 1, 'The connection to the server 127.0.0.1:6443 was refused\n'));
    const { reporter, clock } = aReporter(node, { nodeType: 'lighthouse' });
    const asked = () => node.commands.filter((command) => command.startsWith('k3s kubectl')).length;

    const first = await reporter.status();
    await clock.advance(60_000);
    node.program('k3s', ran('{"items":[]}'));
    await reporter.status();
    await clock.advance(299_000);
    await reporter.status();

    expect(first.liqo?.message).toBe(
      'unknown: kubectl ended with 1: The connection to the server 127.0.0.1:6443 was refused',
    );
    expect(asked()).toBe(2);
  });
});
