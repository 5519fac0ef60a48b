import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { AuditView } from '../../../../agent/control-plane/views.ts';
import { until } from '../../../support/eventually.ts';
import { registration } from '../support/a-fleet.ts';
import { AUTHORIZED, aFolder, aPlane, cleanUp, TestAgent } from '../support/a-plane.ts';

afterEach(cleanUp);

const UNCHECKED = { kind: 'unchecked' } as const;

const CALLS: readonly [string, string, unknown][] = [
  ['POST', '/api/v1/command', { node_id: 'nobody', type: 'DRAIN' }],
  ['DELETE', '/api/v1/nodes/nobody', undefined],
  ['GET', '/api/v1/audit?limit=1', undefined],
];

describe.each(CALLS)('%s %s', (method, path, body) => {
  it('is off without a token file', async () => {
    const { send } = await aPlane({ COMMAND_TOKEN_FILE: '' });
    expect((await send(method, path, body, AUTHORIZED)).status).toBe(403);
  });

  it.each([
    ['a file that is missing', undefined],
    ['a token that anybody guesses', 'short'],
    ['no token in it', '# nothing\n\n'],
  ])('is off with %s', async (_, text) => {
    const file = join(aFolder(text === undefined ? {} : { file: text }), 'file');
    const { send } = await aPlane({ COMMAND_TOKEN_FILE: file });
    expect((await send(method, path, body, AUTHORIZED)).status).toBe(403);
  });

  it.each([
    {},
    { authorization: 'Bearer wrong-token-of-some-length' },
    { authorization: AUTHORIZED.authorization.slice(7) },
  ])('is closed to %o', async (headers) => {
    const { send } = await aPlane();
    const answer = await send(method, path, body, headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
  });

  it('is open to each of several tokens', async () => {
    const file = join(aFolder({ file: 'the-token-of-yesterday\n a-token-that-nobody-guesses \n' }), 'file');
    const { send } = await aPlane({ COMMAND_TOKEN_FILE: file });
    for (const token of ['the-token-of-yesterday', 'a-token-that-nobody-guesses'])
      expect([200, 404]).toContain((await send(method, path, body, { authorization: `Bearer ${token}` })).status);
  });
});

describe('POST /api/v1/command', () => {
  it.each([
    ['no JSON', 'zzz'],
    ['no type', { node_id: 'a' }],
    ['a type that nobody knows', { node_id: 'a', type: 'EXPLODE' }],
    ['args that are no text', { node_id: 'a', type: 'DRAIN', args: { a: 1 } }],
    ['a time-out beyond the hour', { node_id: 'a', type: 'DRAIN', timeout: 3601 }],
    ['a field too many', { node_id: 'a', type: 'DRAIN', command: 'x' }],
  ])('refuses %s, and keeps that', async (_, body) => {
    const { send, get } = await aPlane();

    expect((await send('POST', '/api/v1/command', body, AUTHORIZED)).status).toBe(400);

    const [line] = z.array(AuditView).parse((await get('/api/v1/audit', AUTHORIZED)).json);
    expect(line).toMatchObject({ event: 'refused', source: '127.0.0.1' });
  });

  it('without a token does not fill the disk, and is counted', async () => {
    const { send, get } = await aPlane();

    for (let count = 0; count < 65; count += 1) await send('POST', '/api/v1/command', {});

    expect((await get('/api/v1/audit?limit=100', AUTHORIZED)).json).toHaveLength(60);
    expect((await get('/metrics')).text).toContain('carrierarr_command_events_total{event="refused"} 65');
  });

  it('refuses a body without end', async () => {
    const { send } = await aPlane();
    const body = { node_id: 'a', type: 'DRAIN', args: { a: 'x'.repeat(70_000) } };
    expect((await send('POST', '/api/v1/command', body, AUTHORIZED)).status).toBe(413);
  });

  it('answers 404 for a node that nobody knows, 502 for one that cannot be reached', async () => {
    const { send, plane } = await aPlane();
    plane.fleet.register(registration(1), UNCHECKED);
    const drain = (id: string) => send('POST', '/api/v1/command', { node_id: id, type: 'DRAIN' }, AUTHORIZED);

    expect((await drain('nobody')).status).toBe(404);
    expect((await drain('ip-10-0-0-1')).status).toBe(502);
  });

  it('reaches the node and brings its result into the audit', async () => {
    const { send, get, grpcPort } = await aPlane();
    const agent = new TestAgent(grpcPort);
    await agent.join();

    const body = { node_id: 'ip-10-0-0-1', type: 'COMMAND_TYPE_PULL_MODEL', args: { model: 'llama' }, timeout: 5 };
    const { json } = await send('POST', '/api/v1/command', body, AUTHORIZED);
    expect(json).toEqual({ command_id: expect.stringMatching(/^cmd-/), sent: true });
    const command = await until('a command', () => agent.received.find(({ payload }) => payload.case === 'command'));
    expect(command.payload.value).toMatchObject({ type: 4, args: { model: 'llama' }, timeoutSeconds: 5 });
    agent.say({ payload: { case: 'commandResult', value: { commandId: json.command_id, success: true } } });
    await until('an acknowledgement', () => agent.received.length === 3);

    const audit = await get(`/api/v1/audit?command_id=${json.command_id}`, AUTHORIZED);
    expect(audit.json.map(({ event }: AuditView) => event)).toEqual(['result', 'delivered', 'accepted']);
  });

  it('to * reaches every stream', async () => {
    const { send, grpcPort } = await aPlane();
    await new TestAgent(grpcPort).join(1);
    await new TestAgent(grpcPort).join(2);

    const { json } = await send('POST', '/api/v1/command', { node_id: '*', type: 'REBOOT' }, AUTHORIZED);

    expect(json).toEqual({ command_id: expect.any(String), sent_to: 2 });
  });
});

describe('DELETE /api/v1/nodes/{id}', () => {
  it('forgets a node, and keeps who said so', async () => {
    const { send, get, plane } = await aPlane();
    plane.fleet.register(registration(1), UNCHECKED);

    expect((await send('DELETE', '/api/v1/nodes/ip-10-0-0-1', undefined, AUTHORIZED)).status).toBe(204);

    expect((await get('/api/v1/nodes/ip-10-0-0-1')).status).toBe(404);
    expect((await get('/api/v1/audit', AUTHORIZED)).json[0]).toMatchObject({ type: 'FORGET', node_id: 'ip-10-0-0-1' });
  });
});
