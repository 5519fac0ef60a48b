import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeView } from '../../../agent/control-plane/views.ts';
import { workerAgentProgram } from '../support/agent-programs.ts';
import { skipLoudly } from '../support/nebula-programs.ts';
import { type ControlPlaneEnd, startControlPlane } from './support/control-plane.ts';
import { eventually } from './support/machine.ts';
import { bootNebula, bootObstacle } from './support/obstacle.ts';
import { runStepOn } from './support/steps.ts';
import { type MachineSetting, World } from './support/world.ts';

const MEMORY_LIMIT_KIB = 80 * 1024;
const IMPATIENT_WATCHDOG = {
  '/etc/systemd/system/worker-agent.service.d/test.conf': '[Service]\nWatchdogSec=3\nRestartSec=100ms\n',
};

const isOnline = ({ state, health }: NodeView): boolean => state === 'online' && health !== undefined;

describe.skipIf(skipLoudly('the worker agent under systemd', bootObstacle))('the agent of a machine', () => {
  let world: World;
  let controlPlane: ControlPlaneEnd;
  beforeAll(async () => {
    world = await World.start(bootNebula(), await workerAgentProgram());
    controlPlane = await startControlPlane(world.ground);
  });
  afterAll(async () => {
    await world.close();
    controlPlane.close();
  });

  const reporting = async (setting: MachineSetting = {}) => {
    const booted = await world.boot(setting);
    const verdict = await booted.machine.verdict();
    if (!verdict.done) throw new Error(verdict.text);
    return { ...booted, node: await controlPlane.node(booted.meshAddress, isOnline) };
  };

  it.concurrent('tells the control plane what the machine is', async () => {
    await using booted = await reporting();
    const { machine, name, meshAddress, node } = booted;

    expect(await runStepOn(booted, 'verify-agent')).toMatchObject({ ok: true, agent: 'active' });
    expect(node).toMatchObject({
      type: 'NODE_TYPE_GPU_WORKER',
      worker: name,
      nebula_ip: meshAddress,
      connected: true,
      stream_active: true,
      status: { services: { nebula: { state: 'SERVICE_STATE_RUNNING' } } },
    });
    expect(node.timeline.map(({ mark }) => mark)).toEqual(expect.arrayContaining(['boot-start', 'mesh-address-up']));
    expect(await world.homelab.get(`http://${meshAddress}:8080/health`)).toBe('200');
    expect(await machine.unit('worker-agent', 'Type', 'ActiveState', 'NRestarts')).toEqual({
      Type: 'notify',
      ActiveState: 'active',
      NRestarts: '0',
    });
    const memory = await machine.sh(
      'grep VmRSS "/proc/$(systemctl show --property=MainPID --value worker-agent)/status"',
    );
    expect(Number(/\d+/.exec(memory)?.[0])).toBeLessThan(MEMORY_LIMIT_KIB);
  });

  it.concurrent('comes back by itself when the control plane was away', async () => {
    await using booted = await reporting();
    const { machine, meshAddress, node } = booted;

    await controlPlane.restart();

    await controlPlane.node(meshAddress, (now) => now.stream_active && now.last_seen > node.last_seen);
    expect(await machine.unit('worker-agent', 'NRestarts')).toEqual({ NRestarts: '0' });
  });

  it.concurrent('is started again when it hangs', async () => {
    await using booted = await reporting({ files: IMPATIENT_WATCHDOG });
    const { machine, meshAddress, node } = booted;

    await machine.sh('systemctl kill --signal=SIGSTOP --kill-whom=main worker-agent');

    await eventually('another agent', async () => (await machine.unit('worker-agent', 'NRestarts')).NRestarts !== '0');
    await controlPlane.node(meshAddress, (now) => now.stream_active && now.last_seen > node.last_seen);
  });

  it.concurrent('restarts a service, and switches the machine off, when it is told to', async () => {
    await using booted = await reporting();
    const { machine, node } = booted;
    const ollama = () => machine.unit('ollama', 'MainPID');
    const before = await ollama();

    await controlPlane.command(node.id, 'RESTART_SERVICE', { service: 'ollama' });
    await eventually('another Ollama', async () => (await ollama()).MainPID !== before.MainPID);
    await controlPlane.command(node.id, 'SHUTDOWN', { delay: '0' });

    await machine.ended;
    expect(machine.off).toBe(true);
  });
});
