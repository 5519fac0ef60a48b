import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  type AgentClaims,
  readAgentKeys,
  signAgentToken,
  verifyAgentToken,
} from '../../../../lambda/shared/contract/agent-token.ts';

const KEY = 'k'.repeat(64);
const OTHER = 'o'.repeat(64);
const NOW = new Date('2026-11-22T09:00:00Z');
const END = new Date('2026-11-29T09:00:00Z');
const CLAIMS: AgentClaims = { worker: 'gpu-1', fleet: 'carrierarr', generation: 'm1abcd', address: '10.100.2.1' };

const signed = () => signAgentToken(CLAIMS, KEY, { issuedAt: NOW, certificateEnd: END });
const after = (date: Date, seconds: number): Date => new Date(date.getTime() + seconds * 1000);

describe('a token of an agent', () => {
  it('says who bears it, until a day after the certificate', async () => {
    const verdict = await verifyAgentToken(await signed(), [KEY], NOW);

    expect(verdict).toEqual({ valid: true, claims: CLAIMS, expiresAt: new Date('2026-11-30T09:00:00Z') });
  });

  it('is good while the key is being replaced', async () => {
    expect(await verifyAgentToken(await signed(), [OTHER, KEY], NOW)).toMatchObject({ valid: true });
  });

  it('is refused where another key signed it', async () => {
    expect(await verifyAgentToken(await signed(), [OTHER], NOW)).toEqual({
      valid: false,
      reason: 'the token is signed with another key',
    });
    expect(await verifyAgentToken(await signed(), [], NOW)).toMatchObject({ valid: false });
  });

  it('is refused once it has run out, which the second key does not hide', async () => {
    const verdict = await verifyAgentToken(await signed(), [KEY, OTHER], after(END, 86_400 + 61));

    expect(verdict).toEqual({ valid: false, reason: 'the token has run out' });
  });

  it('is refused from another issuer', async () => {
    const foreign = await new SignJWT({ fleet: 'f', gen: 'm1abcd', ip: '10.100.2.1' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('somebody')
      .setSubject('gpu-1')
      .setExpirationTime(END)
      .sign(new TextEncoder().encode(KEY));

    expect(await verifyAgentToken(foreign, [KEY], NOW)).toEqual({
      valid: false,
      reason: "the token's iss is not what it must be",
    });
  });

  it('is refused without a signature, and without an end', async () => {
    const [, payload] = (await signed()).split('.');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    const endless = await new SignJWT({ fleet: 'f', gen: 'm1abcd', ip: '10.100.2.1' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('carrierarr')
      .setSubject('gpu-1')
      .sign(new TextEncoder().encode(KEY));

    expect(await verifyAgentToken(unsigned, [KEY], NOW)).toMatchObject({ valid: false });
    expect(await verifyAgentToken(endless, [KEY], NOW)).toMatchObject({ valid: false });
  });

  it.each(['', 'a.b.c', 'Bearer x', '💥'])('is refused where it is none: %j', async (token) => {
    expect(await verifyAgentToken(token, [KEY], NOW)).toEqual({
      valid: false,
      reason: 'it is no token of this kind',
    });
  });

  it('is refused where it does not name a worker as we name them', async () => {
    const odd = await signAgentToken({ ...CLAIMS, address: '10.100.2.1/16' }, KEY, {
      issuedAt: NOW,
      certificateEnd: END,
    });

    expect(await verifyAgentToken(odd, [KEY], NOW)).toMatchObject({ valid: false });
  });
});

describe('a file of keys', () => {
  it('holds one a line, with room for blank lines and notes', () => {
    expect(readAgentKeys(`# new\n${KEY}\n\n  ${OTHER}  \n`)).toEqual({ keys: [KEY, OTHER], faults: [] });
  });

  it('names the lines that are no keys, and never their text', () => {
    expect(readAgentKeys(`${KEY}\nsecret\n`)).toEqual({ keys: [KEY], faults: [2] });
  });
});
