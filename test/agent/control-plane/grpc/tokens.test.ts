import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, describe, expect, it } from 'vitest';
import { signAgentToken } from '#shared/contract/agent-token.ts';
import { until } from '../../../support/eventually.ts';
import { aFolder, aPlane, cleanUp, TestAgent } from '../support/a-plane.ts';

afterEach(cleanUp);

const KEY = 'k'.repeat(64);
const HOUR = 3_600_000;

const tokenFor = async (number: number, { key = KEY, endsIn = HOUR, address = `10.100.1.${number}` } = {}) =>
  await signAgentToken({ worker: `worker-${number}`, fleet: 'home', generation: 'mabcdef1', address }, key, {
    issuedAt: new Date(),
    certificateEnd: new Date(Date.now() + endsIn),
  });

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return 'OK';
  } catch (error) {
    return Code[ConnectError.from(error).code];
  }
};

const STATUS = { payload: { case: 'status', value: { nodeId: 'ip-10-0-0-1', health: 1 } } } as const;

describe('tokens', () => {
  const withKeys = async (environment: NodeJS.ProcessEnv = {}, keys = `${KEY}\n`) =>
    await aPlane({ AGENT_KEY_FILE: join(aFolder({ keys }), 'keys'), ...environment });

  it('open the door to whom they name', async () => {
    const { grpcPort, plane } = await withKeys();
    await new TestAgent(grpcPort, await tokenFor(1)).join();

    expect(plane.fleet.get('ip-10-0-0-1')?.record).toMatchObject({ proven: true, generation: 'mabcdef1' });
  });

  it.each([
    ['none', async () => undefined, 'Unauthenticated'],
    ['garbage', async () => 'garbage', 'Unauthenticated'],
    ['one of another key', async () => await tokenFor(1, { key: 'x'.repeat(64) }), 'Unauthenticated'],
    ['one that has run out', async () => await tokenFor(1, { endsIn: -48 * HOUR }), 'Unauthenticated'],
    ['one of another worker', async () => await tokenFor(2), 'PermissionDenied'],
    ['one of another address', async () => await tokenFor(1, { address: '10.100.1.2' }), 'PermissionDenied'],
  ])('%s: Register, Connect and Heartbeat are refused', async (_, make, expected) => {
    const { grpcPort } = await withKeys();
    await new TestAgent(grpcPort, await tokenFor(1)).register();
    const agent = new TestAgent(grpcPort, await make());

    expect(await codeOf(agent.register())).toBe(expected);
    expect(await codeOf(agent.client.heartbeat({ nodeId: 'ip-10-0-0-1' }, { headers: agent.headers }))).toBe(expected);
    agent.connect();
    agent.say(STATUS);
    expect(Code[ConnectError.from(await until('the end', () => agent.ended)).code]).toBe(expected);
  });

  it('without a signature are refused', async () => {
    const { grpcPort } = await withKeys();
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = part({
      iss: 'carrierarr',
      sub: 'worker-1',
      fleet: 'home',
      gen: 'mabcdef1',
      ip: '10.100.1.1',
      exp: 9e9,
    });
    const unsigned = `${part({ alg: 'none' })}.${claims}.`;
    const head = `${part({ alg: 'HS256' })}.${claims}`;
    const empty = `${head}.${createHmac('sha256', '').update(head).digest('base64url')}`;

    for (const token of [unsigned, empty])
      expect(await codeOf(new TestAgent(grpcPort, token).register())).toBe('Unauthenticated');
  });

  it('of the old key and of the new one are good while keys are changed', async () => {
    const { grpcPort } = await withKeys({}, `${'n'.repeat(64)}\n${KEY}\n`);

    expect(await codeOf(new TestAgent(grpcPort, await tokenFor(1)).register())).toBe('OK');
    expect(await codeOf(new TestAgent(grpcPort, await tokenFor(2, { key: 'n'.repeat(64) })).register(2))).toBe('OK');
  });

  it('are not asked of known agents where that is allowed', async () => {
    const { grpcPort } = await withKeys({ AGENTS_WITHOUT_TOKEN: 'allow' });

    expect(await codeOf(new TestAgent(grpcPort).register(1, { worker: '' }))).toBe('OK');
    expect(await codeOf(new TestAgent(grpcPort).register(2))).toBe('PermissionDenied');
  });

  it('are refused by a file without a usable key, which is said', async () => {
    const { grpcPort, lines } = await withKeys({}, 'short\n');

    expect(await codeOf(new TestAgent(grpcPort, await tokenFor(1)).register())).toBe('Unauthenticated');
    expect(lines).toContainEqual(expect.objectContaining({ event: 'agent keys', linesTooShort: [1] }));
  });

  it('are not asked for without a key file, which is said', async () => {
    const { grpcPort, lines } = await aPlane();

    expect(await codeOf(new TestAgent(grpcPort).register())).toBe('OK');
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', event: 'agents need no token' }));
  });

  it('that are refused are told of, with the reason, once', async () => {
    const { grpcPort, lines } = await withKeys();
    const late = await tokenFor(1, { endsIn: -48 * HOUR });

    for (const token of [undefined, late, late]) await codeOf(new TestAgent(grpcPort, token).register());
    await codeOf(new TestAgent(grpcPort, await tokenFor(2)).register());

    const refused = lines.filter(({ event }) => event === 'registration refused');
    expect(refused.map(({ node, reason }) => [node, reason])).toEqual([
      ['ip-10-0-0-1', expect.stringContaining('no token')],
      ['ip-10-0-0-1', 'the token is refused: the token has run out'],
      ['ip-10-0-0-1', 'the token is for worker worker-2, but the agent says worker-1'],
    ]);
    expect(refused[0]).toMatchObject({ level: 'warn', remedy: expect.stringContaining('AGENT_KEY_FILE') });
    expect(JSON.stringify(refused)).not.toContain('eyJ');
  });

  it('never come into the log', async () => {
    const { grpcPort, lines } = await withKeys();
    const token = await tokenFor(2);

    await codeOf(new TestAgent(grpcPort, token).register(1));

    expect(JSON.stringify(lines)).not.toContain(token.slice(20, 60));
  });
});
