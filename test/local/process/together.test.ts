import { describe, expect, it } from 'vitest';
import { abortTogether } from '../../../local/process/abort-together.ts';
import { Teardown } from '../../../local/process/teardown.ts';

const untilAborted = (signal: AbortSignal, after: () => void): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () =>
      setTimeout(() => {
        after();
        reject(signal.reason);
      }, 10),
    );
  });

describe('abortTogether', () => {
  it('returns what each piece of work returned', async () => {
    expect(await abortTogether(new AbortController(), [Promise.resolve(1), Promise.resolve('a')])).toEqual([1, 'a']);
  });

  it('waits for the others to end after the first failure, and throws that', async () => {
    const abort = new AbortController();
    let ended = false;
    const slow = untilAborted(abort.signal, () => {
      ended = true;
    });

    const both = abortTogether(abort, [Promise.reject(new Error('first')), slow]);

    await expect(both).rejects.toThrow('first');
    expect(ended).toBe(true);
  });
});

describe('a teardown', () => {
  it('undoes the last thing first', async () => {
    const order: string[] = [];
    const teardown = new Teardown();
    for (const name of ['directory', 'process', 'server']) teardown.add(async () => order.push(name));

    await teardown.run();

    expect(order).toEqual(['server', 'process', 'directory']);
  });

  it('tries everything and then throws the first failure', async () => {
    const done: string[] = [];
    const teardown = new Teardown();
    teardown.add(async () => done.push('directory'));
    teardown.add(() => Promise.reject(new Error('process')));
    teardown.add(() => Promise.reject(new Error('server')));

    await expect(teardown.run()).rejects.toThrow('server');
    expect(done).toEqual(['directory']);
  });

  it('runs once, however often it is asked for', async () => {
    let count = 0;
    const teardown = new Teardown();
    teardown.add(async () => {
      count += 1;
    });

    await Promise.all([teardown.run(), teardown.run()]);

    expect(count).toBe(1);
  });
});
