import { execFile } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setUpCanaries } from './support/canaries.ts';
import type { HostileOrder, HostileOutcome } from './support/hostile-child.ts';
import { until } from './support/machine.ts';
import { startSecretsServer } from './support/secrets-server.ts';

const run = promisify(execFile);
const CHILD = join(import.meta.dirname, 'support/hostile-child.ts');
/** Anybody who is not root. */
const ORDINARY = 65_534;
const isRoot = process.getuid?.() === 0;

const aboard = (order: HostileOrder, uid: number | undefined): [string, string[]] => {
  const command = [process.execPath, CHILD, JSON.stringify(order)];
  if (uid === undefined) return [process.execPath, command.slice(1)];
  return ['setpriv', ['--reuid', String(uid), '--regid', String(uid), '--clear-groups', ...command]];
};

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'carrierarr-hostile-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs the script and says what the machine looked like before and after. */
const attack = async (kind: HostileOrder['kind'], uid: number | undefined) => {
  const canaries = await setUpCanaries(uid);
  const aws = await startSecretsServer(new Map());
  if (uid !== undefined) chownSync(directory, uid, uid);
  chmodSync(directory, 0o700);
  try {
    const before = canaries.look();
    const order = { kind, directory, awsEndpoint: aws.endpoint, environment: canaries.environment };
    const { stdout } = await run(...aboard(order, uid), { timeout: 110_000, maxBuffer: 10_000_000 });
    return { before, after: canaries.look(), calls: aws.calls, outcome: JSON.parse(stdout) as HostileOutcome };
  } finally {
    canaries.remove();
    await aws.close();
  }
};

type World = readonly [kind: HostileOrder['kind'], who: string, uid: number | undefined];
const OWN_WORLDS: readonly World[] = [
  ['mesh', 'the caller', undefined],
  ['sandbox', 'the caller', undefined],
  ['sandbox without overlays', 'the caller', undefined],
  ['played', 'the caller', undefined],
];
const ORDINARY_WORLDS: readonly World[] = [
  ['sandbox', 'an ordinary user', ORDINARY],
  ['sandbox without overlays', 'an ordinary user', ORDINARY],
];
const WORLDS = isRoot ? [...OWN_WORLDS, ...ORDINARY_WORLDS] : OWN_WORLDS;

/** What root of a node may do to its own node, and nothing beyond. */
const OWN_DEEDS =
  /^did: (write \/|remove (?:canary|repository|passwd)|set hostname|mount |unmount proc|join namespaces|ping )/;

describe('a hostile script on a node', () => {
  it.for(WORLDS)('of kind %s, started by %s, changes nothing on the machine', async ([kind, who, uid], context) => {
    const { before, after, calls, outcome } = await attack(kind, uid);
    if ('missing' in outcome) {
      console.warn(`SKIPPED: no node of kind ${kind} for ${who}: ${outcome.missing}`);
      return context.skip(outcome.missing);
    }

    expect(after).toEqual(before);
    expect(after).toMatchObject({ canary: 'canary\n', processAlive: true, visitors: 0, marks: [], strays: [] });
    expect(calls).toEqual([]);
    if (kind === 'played') {
      expect(JSON.parse(outcome.stdout)).toMatchObject({ played: true });
      return;
    }
    expect(outcome.stdout).toMatch(/^root in ip-10-20-0-10, /);
    expect(outcome.stdout).toContain('did: write /etc/carrierarr-hostile\n');
    expect(outcome.stdout).toMatch(/\ndone\n$/);
    const deeds = outcome.stdout.split('\n').filter((line) => line.startsWith('did:'));
    expect(deeds.filter((deed) => !OWN_DEEDS.test(deed))).toEqual([]);
  });
});

describe('the canaries', () => {
  it('notice a visitor and a change', async () => {
    const canaries = await setUpCanaries(undefined);
    const before = canaries.look();

    const { CANARY_FILE, CANARY_PORT, CANARY_PID } = canaries.environment;
    await run('bash', [
      '-c',
      `exec 3<>/dev/tcp/127.0.0.1/${CANARY_PORT}; echo x >'${CANARY_FILE}'; kill ${CANARY_PID}`,
    ]);
    await until(() => canaries.look().visitors > 0 && !canaries.look().processAlive);
    const after = canaries.look();
    canaries.remove();

    expect(before).toMatchObject({ canary: 'canary\n', visitors: 0, processAlive: true });
    expect(after).toMatchObject({ canary: 'x\n', visitors: 1, processAlive: false });
  });
});
