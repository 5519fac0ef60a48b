import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { thisSystem } from '../../../../agent/worker/system/system.ts';
import { until } from '../../../support/eventually.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const aFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-system-'));
  cleanUps.push(() => rmSync(folder, { recursive: true }));
  return folder;
};

const sh = (script: string, options: Partial<Parameters<typeof thisSystem.run>[1]> = {}) =>
  thisSystem.run(['/bin/sh', '-c', script], { timeoutMs: 60_000, ...options });

describe('a program', () => {
  it('gives its code and what it said', async () => {
    expect(await sh('cat; echo oops >&2; exit 3', { input: 'hello' })).toEqual({
      code: 3,
      stdout: 'hello',
      stderr: 'oops\n',
    });
  });

  it('is given no shell', async () => {
    expect((await thisSystem.run(['/bin/echo', '$HOME; ls'], { timeoutMs: 60_000 })).stdout).toBe('$HOME; ls\n');
  });

  it('that is not there has the code 127', async () => {
    expect(await thisSystem.run(['no-such-program'], { timeoutMs: 5000 })).toMatchObject({ code: 127 });
  });

  it('that cannot be started at all is a result too', async () => {
    expect(await thisSystem.run([''], { timeoutMs: 5000 })).toMatchObject({ code: 126 });
    expect(await thisSystem.run(['/bin/echo', 'a\0b'], { timeoutMs: 5000 })).toMatchObject({ code: 126 });
  });

  it('that ends by a signal has the code 128 and more', async () => {
    expect((await sh('kill -9 $$')).code).toBe(137);
  });

  it('whose time is over ends with what it has started, and has the code 124', async () => {
    const folder = aFolder();
    const pids = join(folder, 'pids');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    cleanUps.push(() => vi.useRealTimers());
    const running = sh(`sleep 60 & echo $! > ${pids}; wait`, { timeoutMs: 200 });
    // Zero while nothing is written yet.
    const pid = await until('a start', () => existsSync(pids) && (Number(readFileSync(pids, 'utf8')) || undefined));

    vi.advanceTimersByTime(200);

    expect((await running).code).toBe(124);
    await until('its end', () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    });
  });

  it('ends with the signal', async () => {
    const stop = new AbortController();
    const running = sh('sleep 60', { timeoutMs: 60_000, signal: stop.signal });

    stop.abort();

    expect((await running).code).toBe(143);
  });

  it('may say more than is kept', async () => {
    const { code, stdout } = await sh('head -c 300000 /dev/zero | tr "\\0" x', { maxBytes: 1000 });

    expect([code, stdout.length]).toEqual([0, 1000]);
  });
});

describe('a file', () => {
  it('is read, or is not there', async () => {
    const folder = aFolder();
    writeFileSync(join(folder, 'a'), 'text');

    expect(await thisSystem.readText(join(folder, 'a'))).toBe('text');
    expect(await thisSystem.readText(join(folder, 'b'))).toBeUndefined();
  });

  it('is written as a whole, for its owner alone', async () => {
    const file = join(aFolder(), 'state', 'idle.json');

    const written = await thisSystem.writeText(file, '{}');

    expect([written, await thisSystem.readText(file), statSync(file).mode & 0o777]).toEqual([true, '{}', 0o600]);
    expect(await thisSystem.writeText('/etc/hostname/here', 'x')).toBe(false);
  });

  it('is watched, unless there is no such folder', async () => {
    const folder = aFolder();
    const names: string[] = [];
    cleanUps.push(thisSystem.watch(folder, (name) => names.push(name)));

    await thisSystem.writeText(join(folder, 'interruption.json'), '{}');

    await until('the change', () => names.includes('interruption.json'));
    expect(thisSystem.watch('/no/such/folder', () => {})).toBeTypeOf('function');
  });
});

describe('local HTTP', () => {
  const answering = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => server.close());
    cleanUps.push(() => server.closeAllConnections());
    const address = server.address();
    return `http://127.0.0.1:${address === null || typeof address === 'string' ? 0 : address.port}`;
  };

  it('gives status and text', async () => {
    const url = await answering((request, response) => {
      response.statusCode = 201;
      response.end(`${request.method} ${request.url} ${request.headers['x-token']}`);
    });

    const answer = await thisSystem.ask(`${url}/a`, { method: 'PUT', headers: { 'x-token': 't' }, timeoutMs: 60_000 });

    expect(answer).toEqual({ status: 201, text: 'PUT /a t' });
  });

  it('hands over lines as they come', async () => {
    const lines: string[] = [];
    const url = await answering((_, response) => {
      response.write('one\ntw');
      setTimeout(() => response.end('o\nthree'), 10);
    });

    await thisSystem.ask(url, { timeoutMs: 60_000, onLine: (line) => lines.push(line) });

    expect(lines).toEqual(['one', 'two', 'three']);
  });

  it('gives nothing, and soon, where the answer has no end', async () => {
    const url = await answering((_, response) => {
      const more = (): void => void response.write('x'.repeat(65_536), (error) => error ?? setImmediate(more));
      more();
    });

    expect(await thisSystem.ask(url, { timeoutMs: 600_000 })).toBeUndefined();
  });

  it.each([
    ['nobody listens', async () => 'http://127.0.0.1:1'],
    ['nobody answers in time', () => answering(() => {})],
    ['the answer breaks off', () => answering((_, response) => response.write('a', () => response.destroy()))],
  ])('gives nothing where %s', async (_, url) => {
    expect(await thisSystem.ask(await url(), { timeoutMs: 100 })).toBeUndefined();
  });
});
