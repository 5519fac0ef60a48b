import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../local/node/create-node-host.ts';
import type { LocalNodeHost, NodeCommand, RunningNode } from '../../local/node/host.ts';
import { aCommand, aSpec } from '../local/node/builders.ts';
import { mountsWith, networkDevices, processesWith, until } from './support/machine.ts';
import { startSecretsServer } from './support/secrets-server.ts';

const CHILD = join(import.meta.dirname, 'support/nodes-child.ts');
const KINDS = ['sandbox', 'mesh'] as const;

interface World {
  readonly host: LocalNodeHost;
  readonly directory: string;
  readonly start: (index: number) => Promise<RunningNode>;
  readonly close: () => Promise<void>;
}

const aWorld = async (kind: (typeof KINDS)[number]): Promise<World> => {
  const host = await createNodeHost({ kind });
  const directory = mkdtempSync(join(tmpdir(), 'carrierarr-nodes-'));
  const aws = await startSecretsServer(new Map());
  await host.prepareHomelab(directory);
  return {
    host,
    directory,
    start: async (index) => {
      const place = { directory: join(directory, `node-${index}`), privateIp: `10.20.0.${index}` };
      const node = await host.start(aSpec({ ...place, awsEndpoint: aws.endpoint }));
      await node.registered;
      return node;
    },
    close: async () => {
      await host.close();
      await aws.close();
      rmSync(directory, { recursive: true });
    },
  };
};

const script = (text: string, overrides: Partial<NodeCommand> = {}) =>
  aCommand({ script: `#!/bin/bash\n${text}\n`, commandId: crypto.randomUUID(), ...overrides });

for (const kind of KINDS) {
  const world = await aWorld(kind).catch((error: Error) => error);
  const missing = world instanceof Error;
  if (missing) console.warn(`SKIPPED: no node of kind ${kind}: ${world.message}`);

  describe.skipIf(missing)(`a node of kind ${kind}`, () => {
    const { host, directory, start, close } = missing ? ({} as World) : world;
    let node: RunningNode;
    beforeAll(async () => {
      node = await start(1);
    });
    afterAll(() => close());

    it('takes commands while its boot still waits for the secret', async () => {
      const result = await node.run(
        script('until grep settings-known /run/carrierarr/timeline; do sleep 0.1; done; ls /run/carrierarr'),
      );

      expect(result).toMatchObject({ status: 'Success' });
      expect(result.stdout).toContain('settings-known');
      expect(result.stdout).not.toContain('boot.done');
    });

    it('sees its own processes and its own network only', async () => {
      const { stdout } = await node.run(
        script('id -u; hostname; ps -eo args --no-headers; ls /proc/self/fd; ip -o link'),
      );

      expect(stdout).toMatch(/^0\nip-10-20-0-1\nbash \/\.agent\/program\/init\.sh\n/);
      expect(stdout).not.toMatch(/agent\.mjs|vitest/);
      expect(stdout).toContain(': lo: <LOOPBACK,UP');
    });

    it('runs scripts beside each other and ends one on request', async () => {
      const long = script('sleep 30');
      const running = node.run(long);

      const other = await node.run(script('echo here'));
      await node.cancel(long.commandId);

      expect(other.stdout).toBe('here\n');
      expect(await running).toMatchObject({ status: 'Cancelled', exitCode: 137 });
    });

    it('ends a script that takes too long, with its children', async () => {
      const result = await node.run(script('sleep 97531 & sleep 97531', { timeoutSeconds: 1 }));

      expect(result).toMatchObject({ status: 'TimedOut', exitCode: 137 });
      await until(() => processesWith('97531').length === 0);
    });

    it('restarts on exit code 194: memory is lost, the disk is kept, the boot runs again', async () => {
      const result = await node.run(
        script('if [[ -e /var/lib/again ]]; then ls /run; exit 0; fi; touch /run/lost /var/lib/again; exit 194'),
      );
      const { stdout } = await node.run(
        script('until grep -c boot-start /run/carrierarr/timeline; do sleep 0.1; done'),
      );

      expect(result).toMatchObject({ status: 'Success' });
      expect(result.stdout).not.toContain('lost');
      expect(stdout.trim().split('\n').at(-1)).toBe('1');
    });

    it('cuts off a request larger than any call to AWS and goes on serving', async () => {
      const { stdout } = await node.run(
        script(`
          head -c 8000000 /dev/zero | curl -s -o /dev/null -w '%{http_code}\n' --data-binary @- "$AWS_ENDPOINT_URL/"
          curl -s -o /dev/null -w '%{http_code}\n' http://169.254.169.254/latest/meta-data/
        `),
      );

      // 100 is the leave to send the body, no answer.
      expect(stdout).toMatch(/^(?:000|100)\n401\n$/);
    });

    it('starts as one of ten at once', async () => {
      const began = Date.now();
      const nodes = await Promise.all([11, 12, 13, 14, 15, 16, 17, 18, 19, 20].map((index) => start(index)));
      console.log(`${kind}: ten nodes registered after ${Date.now() - began} ms`);

      const results = await Promise.all(nodes.map((each) => each.run(script('hostname'))));
      await Promise.all(nodes.map((each) => each.stop()));

      expect(results.map(({ stdout }) => stdout).sort()).toEqual(
        [11, 12, 13, 14, 15, 16, 17, 18, 19, 20].map((index) => `ip-10-20-0-${index}\n`),
      );
    });

    it('leaves nothing but its console when it is stopped, however often', async () => {
      const doomed = await start(2);
      await doomed.run(
        script('setsid -f sleep 86420 >/dev/null 2>&1; mkdir -m 0 /var/lib/closed; touch /usr/bin/mine'),
      );
      const open = doomed.run(script('sleep 86420'));
      open.catch(() => undefined);

      await Promise.all([doomed.stop(), doomed.stop()]);

      expect(processesWith('86420')).toEqual([]);
      expect(mountsWith(directory)).toEqual([]);
      expect(readdirSync(join(directory, 'node-2')).filter((name) => name !== 'console.log')).toEqual([]);
      await expect(open).rejects.toThrow(/is gone/);
      await expect(doomed.run(script('true'))).rejects.toThrow(/is gone/);
    });

    it('never registers when it is stopped first', async () => {
      const doomed = await host.start(aSpec({ directory: join(directory, 'node-3'), privateIp: '10.20.0.3' }));

      await doomed.stop();

      await expect(doomed.registered).rejects.toThrow(/is gone/);
    });

    it('dies with the process that started it, even if that is killed', async () => {
      const place = mkdtempSync(join(tmpdir(), 'carrierarr-doomed-'));
      const devices = networkDevices();
      const seconds = `${86_000 + Math.floor(Math.random() * 300)}`;
      const child = spawn(process.execPath, [CHILD, kind, place, seconds], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      const alive = processesWith(`sleep ${seconds}`);

      child.kill('SIGKILL');
      await until(() => processesWith(`sleep ${seconds}`).length === 0);
      await until(() => mountsWith(place).length === 0);

      expect(alive).toHaveLength(2);
      expect(networkDevices()).toEqual(devices);
      rmSync(place, { recursive: true });
    });
  });
}
