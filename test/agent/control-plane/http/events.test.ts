import { Hono } from 'hono';
import { afterEach, describe, expect, it } from 'vitest';
import { EventHub } from '../../../../agent/control-plane/http/events.ts';
import { type FleetEventName, FleetEvents } from '../../../../agent/control-plane/views.ts';
import { eventually, until } from '../../../support/eventually.ts';
import { registration, status } from '../support/a-fleet.ts';
import { aPlane, cleanUp } from '../support/a-plane.ts';
import { FakeClock, MINUTE } from '../support/fake-clock.ts';

const readers: AbortController[] = [];
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.abort();
  await cleanUp();
});

const UNCHECKED = { kind: 'unchecked' } as const;

/** Reads events, each checked against its schema, until the test ends. */
const read = async (url: string) => {
  const aborting = new AbortController();
  readers.push(aborting);
  const answer = await fetch(`${url}/api/v1/events`, { signal: aborting.signal });
  const events: { name: FleetEventName; data: Record<string, unknown> }[] = [];
  let open = true;
  const pump = async (): Promise<void> => {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const part of answer.body ?? []) {
      const frames = (rest + decoder.decode(part, { stream: true })).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) {
        const [, name = '', data = ''] = /^event: (\w+)\nid: \d+\ndata: (.*)$/.exec(frame) ?? [];
        FleetEvents[name as FleetEventName].parse(JSON.parse(data));
        events.push({ name: name as FleetEventName, data: JSON.parse(data) });
      }
    }
  };
  pump()
    .catch(() => {})
    .finally(() => {
      open = false;
    });
  const named = (name: FleetEventName) => events.filter((event) => event.name === name).map(({ data }) => data);
  return { answer, named, isOpen: () => open };
};

describe('GET /api/v1/events', () => {
  it('begins with the whole fleet', async () => {
    const { url, plane } = await aPlane();
    plane.fleet.register(registration(1), UNCHECKED);

    const { named, answer } = await read(url);

    const hello = await until('hello', () => named('hello')[0]);
    expect(hello).toMatchObject({ stale_after_seconds: 120, dead_after_seconds: 300, path: 'ok' });
    expect(hello.nodes).toMatchObject([{ id: 'ip-10-0-0-1', state: 'online' }]);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('tells each change whole, gathered, and what is gone', async () => {
    const { url, plane } = await aPlane();
    const { named } = await read(url);
    await until('hello', () => named('hello')[0]);

    plane.fleet.register(registration(1), UNCHECKED);
    for (let uptime = 0n; uptime < 100n; uptime += 1n)
      plane.fleet.status('ip-10-0-0-1', status(1, { uptimeSeconds: uptime }));
    await until('a node', () => named('node')[0]);
    plane.fleet.forget('ip-10-0-0-1', 'a test');
    await until('gone', () => named('gone')[0]);

    expect(named('node')).toHaveLength(1);
    expect(named('node')[0]).toMatchObject({ uptime_seconds: 99, status: { health: 'HEALTH_STATE_HEALTHY' } });
    expect(named('gone')).toEqual([{ id: 'ip-10-0-0-1' }]);
  });

  it('ticks, so that silence is a torn stream', async () => {
    const { url } = await aPlane();

    const { named } = await read(url);

    await until('a second tick', () => named('tick')[1]);
  });

  it('ends with the control plane', async () => {
    const { url, plane } = await aPlane();
    const { named, isOpen } = await read(url);
    await until('hello', () => named('hello')[0]);

    await plane.close();

    await until('the end', () => !isOpen());
  });

  it('forgets readers that have left, and has room for 64', async () => {
    const { url, get } = await aPlane();
    for (let count = 0; count < 64; count += 1) await read(url);
    expect((await fetch(`${url}/api/v1/events`)).status).toBe(503);

    for (const reader of readers.splice(0)) reader.abort();

    await eventually(async () => expect((await get('/metrics')).text).toMatch(/^carrierarr_event_readers 0$/m));
  });

  it('answers HEAD without a reader that nobody would end', async () => {
    const { url, get } = await aPlane();

    const answer = await fetch(`${url}/api/v1/events`, { method: 'HEAD' });

    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect((await get('/metrics')).text).toMatch(/^carrierarr_event_readers 0$/m);
  });

  it('lets go of a reader that takes nothing for a minute', async () => {
    const { plane } = await aPlane();
    const clock = new FakeClock();
    const times = { gather: 5, tick: 5 };
    const hub = new EventHub({ fleet: plane.fleet, clock, version: '', staleTimeout: 1, deadThreshold: 2, times });
    const app = new Hono().get('/', (context) => hub.serve(context));

    const unread = await app.request('/');
    expect(hub.readers).toBe(1);
    // What is said first is held by the way out; from the first tick that waits, the next minute is its last.
    await until('the end of the reader', () => {
      clock.pass(MINUTE + 1);
      return hub.readers === 0;
    });
    await unread.body?.cancel();
    hub.close();
  });
});
