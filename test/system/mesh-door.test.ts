import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CONNTRACK_SECONDS, createDoorWorld, type DoorWorld, type Place, type Talker } from './support/door-world.ts';
import { meshObstacle } from './support/nebula-mesh.ts';
import { nebulaCertPrograms, nebulaPrograms, skipLoudly, without } from './support/nebula-programs.ts';

const obstacle =
  without(nebulaPrograms, 'nebula', 'NEBULA_BIN') ??
  without(nebulaCertPrograms, 'nebula-cert', 'NEBULA_CERT_BIN') ??
  meshObstacle();
const API = '10.100.2.1:6443';
const DOOR = ['192.168.1.54', '3128'];
/** The same program, but with keep-alive too late for Nebula's memory. */
const LATE_DOOR = ['192.168.1.54', '3129'];

describe.skipIf(skipLoudly('the mesh door on real Nebula', obstacle)).each(nebulaPrograms)(
  'the mesh door on $label',
  ({ path }) => {
    let world: DoorWorld;
    let lighthouse: Talker;
    let door: Talker;
    let api: Talker;
    const open: Talker[] = [];

    const talk = (place: Place, ...words: string[]): Talker => {
      const talker = world.talk(place, ...words);
      open.push(talker);
      return talker;
    };
    const connectThrough = (proxy: readonly string[], authority: string, place: Place = 'pod'): Talker =>
      talk(place, 'connect', ...proxy, authority);

    beforeAll(async () => {
      world = createDoorWorld(path, nebulaCertPrograms[0]?.path ?? '');
      // The door is first: nebula0 appears long after it.
      door = world.startDoor({ DOOR_KEEP_ALIVE_SECONDS: '1', DOOR_FORWARD_TO: '10.244.0.7:50051' });
      await door.heard('{');
      world.startDoor({ DOOR_KEEP_ALIVE_SECONDS: '300', DOOR_PROXY_PORT: '3129' });
      lighthouse = world.startNebula('lighthouse');
      world.startNebula('worker');
      await world.reach('worker', '10.100.0.1', 20_000);
      api = world.talk('worker', 'listen', '10.100.2.1', '6443');
      await api.heard('listening');
    }, 60_000);
    afterEach(async () => {
      await Promise.all(open.splice(0).map((talker) => talker.close()));
    });
    afterAll(() => world.close());

    it('is what a pod needs to reach a worker: without it nothing comes through', async () => {
      const fromNode = talk('host', 'connect', '10.100.2.1', '6443');
      await fromNode.heard('open');

      const fromPod = talk('pod', 'connect', '10.100.2.1', '6443');

      expect(await fromPod.heard('error')).toBe('error silence');
    });

    it('carries a pod to the API server on EC2, which sees the lighthouse', async () => {
      const pod = connectThrough(DOOR, API);
      await pod.heard('open');

      pod.send('who are you');
      await api.heard('data who are you');
      api.send('aws-k3s');

      expect(await pod.heard('data')).toContain('aws-k3s');
      expect(api.lines()).toContain('open 10.100.0.1');
    });

    it("carries a worker's agent to the control plane, bound late", async () => {
      const controlPlane = talk('pod', 'listen', '10.244.0.7', '50051');
      await controlPlane.heard('listening');

      const agent = talk('worker', 'connect', '10.100.0.1', '50051');
      await agent.heard('open');
      agent.send('register');

      expect(await controlPlane.heard('data')).toBe('data register');
    });

    it.each([
      ['a port that is not on the list', '10.100.2.1:22', 'pod', 'port 22 is not among'],
      ['an address outside the mesh', '192.168.1.1:6443', 'pod', '192.168.1.1 is no mesh address'],
      ['the node itself', '10.100.0.1:6443', 'pod', "10.100.0.1 is the door's own address"],
      ['a source that is no pod', API, 'router', '192.168.1.1 is no allowed source'],
    ] as const)('refuses %s', async (_, authority, place, reason) => {
      const refused = connectThrough(DOOR, authority, place);

      expect(await refused.heard('refused')).toContain(`403 Forbidden: ${reason}`);
    });

    it('does not serve workers as a proxy', async () => {
      const worker = talk('worker', 'connect', '10.100.0.1', '3128');

      expect(await worker.heard('error')).toMatch(/silence|ECONNREFUSED/);
    });

    it('keeps a connection alive that rests longer than Nebula remembers it', async () => {
      const patient = connectThrough(DOOR, API);
      const forgotten = connectThrough(LATE_DOOR, API);
      await Promise.all([patient.heard('open'), forgotten.heard('open')]);

      // Nebula drops what it has forgotten only while others make new connections, as others always do.
      for (let second = 0; second < 3 * CONNTRACK_SECONDS; second += 1) {
        await pause(1000);
        await connectThrough(DOOR, API).heard('open');
      }
      api.send('still there?');

      expect(await patient.heard('data')).toContain('still there?');
      await pause(1500);
      expect(forgotten.lines().filter((line) => line.startsWith('data'))).toEqual([]);
    });

    it('lets nothing out to the LAN while nebula0 is away, is back by itself, and keeps what was open', async () => {
      const trap = talk('router', 'listen', '10.100.2.1', '6443');
      await trap.heard('listening');
      const before = connectThrough(DOOR, API);
      await before.heard('open');
      await lighthouse.close();

      const bound = connectThrough(DOOR, API);
      expect(await bound.heard('refused')).toContain('502 Bad Gateway: the mesh is not up on this node');
      const unbound = talk('host', 'connect', '10.100.2.1', '6443');
      await unbound.heard('open');
      await trap.heard('open');

      lighthouse = world.startNebula('lighthouse');
      await world.reach('worker', '10.100.0.1', 40_000);
      const again = connectThrough(DOOR, API);
      await again.heard('open', 40_000);
      const controlPlane = talk('pod', 'listen', '10.244.0.7', '50051');
      await controlPlane.heard('listening');
      const agent = talk('worker', 'connect', '10.100.0.1', '50051');
      await agent.heard('open');

      // Nebula has forgotten what was open, but a keep-alive from this side makes it known again.
      api.send('as if nothing had been');
      await before.heard('data as if nothing had been', 20_000);

      expect(trap.lines().filter((line) => line.startsWith('open'))).toEqual(['open 192.168.1.54']);
      expect(door.lines().filter((line) => line.includes('"listening"')).length).toBe(2);
    }, 120_000);
  },
);
