import { describe, expect, it } from 'vitest';
import { issueIdentity } from '../../../lambda/identity/issue-identity.ts';
import { renewIdentity } from '../../../lambda/identity/renew-identity.ts';
import { verifyAgentToken } from '../../../lambda/shared/contract/agent-token.ts';
import { makeReady, reserveWorker, type TestFleet, testFleet } from './support/fleet.ts';

const SECRET = 'catalyst-llm/nebula-w1';
const [FIRST, SECOND] = ['a'.repeat(64), 'b'.repeat(64)];
const DAY = 86_400_000;

const tokenOf = (fleet: TestFleet, version: number): string | undefined =>
  (JSON.parse(fleet.secrets.versionsOf(SECRET)[version] ?? '{}') as { agent_token?: string }).agent_token;

const issued = async (overrides: Parameters<typeof testFleet>[0]) => {
  const fleet = testFleet(overrides);
  const reserved = await reserveWorker(fleet, 'w1');
  const output = await issueIdentity(fleet, reserved);
  return { fleet, reserved, output };
};

describe('the token of a worker’s agent', () => {
  it('names the worker, its life and its address, until a day after the certificate', async () => {
    const { fleet, reserved, output } = await issued({ agentKeys: FIRST });

    const verdict = await verifyAgentToken(tokenOf(fleet, 0) ?? '', [FIRST], fleet.clock.now());

    const { name, generation, address } = reserved.worker;
    expect(verdict).toEqual({
      valid: true,
      claims: { worker: name, fleet: 'carrierarr', generation, address },
      expiresAt: new Date(Date.parse(output.notAfter) + DAY),
    });
  });

  it('is nowhere but in the secret', async () => {
    const { fleet, output } = await issued({ agentKeys: FIRST });

    const row = await fleet.registry.find('w1');

    expect(JSON.stringify([output, row])).not.toContain(tokenOf(fleet, 0));
  });

  it('is renewed with the certificate, by the key that stands first', async () => {
    const keys = { agentKeys: FIRST };
    const { fleet, reserved } = await issued(keys);
    const { generation } = await makeReady(fleet, reserved);
    keys.agentKeys = `${SECOND}\n${FIRST}\n`;
    fleet.clock.advance(4 * DAY);

    const { notAfter } = await renewIdentity(fleet, { name: 'w1', generation });

    const renewed = tokenOf(fleet, 1) ?? '';
    expect(await verifyAgentToken(renewed, [FIRST], fleet.clock.now())).toMatchObject({ valid: false });
    expect(await verifyAgentToken(renewed, [SECOND], fleet.clock.now())).toMatchObject({
      valid: true,
      expiresAt: new Date(Date.parse(notAfter) + DAY),
    });
  });

  it('is not made where tokens are off, and goes with the next renewal once they are', async () => {
    const keys: { agentKeys?: string } = { agentKeys: FIRST };
    const { fleet, reserved } = await issued(keys);
    const { generation } = await makeReady(fleet, reserved);
    delete keys.agentKeys;

    await renewIdentity(fleet, { name: 'w1', generation });
    const { fleet: other } = await issued({});

    expect(tokenOf(fleet, 1)).toBeUndefined();
    expect(tokenOf(other, 0)).toBeUndefined();
  });

  it('cannot be made without a key, and says so without a word of what is there instead', async () => {
    const fleet = testFleet({ agentKeys: 'hunter2\n' });
    const reserved = await reserveWorker(fleet, 'w1');

    const refusal = await issueIdentity(fleet, reserved).catch((error: Error) => error);

    expect(refusal).toMatchObject({ name: 'ConfigurationError' });
    expect(String(refusal)).not.toContain('hunter2');
  });
});
