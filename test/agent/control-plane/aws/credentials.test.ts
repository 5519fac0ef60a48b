import { describe, expect, it } from 'vitest';
import type { Session } from '../../../../agent/control-plane/aws/create-session.ts';
import { sessionCache } from '../../../../agent/control-plane/aws/credentials.ts';

const HOUR = 3_600_000;

/** A cache whose clock, and whose source, the test owns. */
const cached = () => {
  const state = { now: 0, asked: 0, broken: false, failures: [] as unknown[] };
  const renew = async (): Promise<Session> => {
    state.asked += 1;
    await Promise.resolve();
    if (state.broken) throw new Error('refused');
    const expiration = new Date(state.now + HOUR);
    return { accessKeyId: `session ${state.asked}`, secretAccessKey: '', sessionToken: '', expiration };
  };
  const get = sessionCache(
    renew,
    () => state.now,
    (error) => state.failures.push(error),
  );
  return { state, get: async () => (await get()).accessKeyId };
};

describe('the kept session', () => {
  it('is made once for all who ask at the same time', async () => {
    const { state, get } = cached();

    expect(await Promise.all([get(), get(), get()])).toEqual(['session 1', 'session 1', 'session 1']);
    expect(state.asked).toBe(1);
  });

  it('is renewed ten minutes before its end', async () => {
    const { state, get } = cached();
    await get();

    state.now = HOUR - 10 * 60_000 - 1;
    expect(await get()).toBe('session 1');
    state.now += 2;
    expect(await get()).toBe('session 2');
  });

  it('goes on while it is good when its renewal fails, which is tried again in a minute', async () => {
    const { state, get } = cached();
    await get();
    state.broken = true;
    state.now = HOUR - 5 * 60_000;

    expect([await get(), await get()]).toEqual(['session 1', 'session 1']);
    expect([state.asked, state.failures.length]).toEqual([2, 1]);

    state.now += 60_000;
    expect(await get()).toBe('session 1');
    expect(state.asked).toBe(3);
  });

  it('is not handed out in its last minute', async () => {
    const { state, get } = cached();
    await get();
    state.broken = true;
    state.now = HOUR - 30_000;

    await expect(get()).rejects.toThrow('refused');
    state.broken = false;
    expect(await get()).toBe('session 3');
  });
});
