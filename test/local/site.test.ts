import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Teardown } from '../../local/process/teardown.ts';
import { clear, openSite, ownerOf } from '../../local/site.ts';

let state: string;
let teardown: Teardown;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'carrierarr-site-'));
  teardown = new Teardown();
  vi.stubEnv('CARRIERARR_STATE', state);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await teardown.run();
  rmSync(state, { recursive: true });
});

const open = (name: string) => openSite({ name, nodes: 'played', config: {}, teardown });

/** The directory of a cloud that some process left behind. */
const leftBehind = (name: string, owner?: number): string => {
  const directory = join(state, 'clouds', name);
  mkdirSync(join(directory, 'logs'), { recursive: true });
  if (owner !== undefined) writeFileSync(join(directory, 'owner'), String(owner));
  return directory;
};

const deadPid = (): number => spawnSync('true').pid;

describe('the site of a cloud', () => {
  it('belongs to the process that opened it until its teardown', async () => {
    const { directory } = await open('one');
    expect(await ownerOf(directory)).toBe(process.pid);

    await teardown.run();

    expect(await ownerOf(directory)).toBeUndefined();
  });

  it('is refused to others meanwhile, with the way out', async () => {
    await open('one');

    await expect(open('one')).rejects.toMatchObject({
      name: 'ConfigurationError',
      got: `process ${process.pid}`,
      remedy: expect.stringContaining('local down --name one'),
    });
  });

  it('goes to one of several who want it at the same time', async () => {
    const outcomes = await Promise.allSettled([open('one'), open('one'), open('one')]);

    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('takes away what killed clouds have left, and nothing else', async () => {
    leftBehind('demo-1', deadPid());
    leftBehind('running', process.pid);
    leftBehind('failed-with-logs');

    await open('one');

    expect(readdirSync(join(state, 'clouds')).sort()).toEqual(['failed-with-logs', 'one', 'running']);
  });

  it.each(['', 'Upper', '../escape', 'a'.repeat(32)])('is not called %j', async (name) => {
    await expect(open(name)).rejects.toMatchObject({ name: 'ConfigurationError', got: name });
  });

  it('keeps only the logs where they are wanted', async () => {
    const directory = leftBehind('one', deadPid());
    mkdirSync(join(directory, 'cdk.out'));

    await clear(directory, true);
    expect(readdirSync(directory)).toEqual(['logs']);

    await clear(directory, false);
    expect(existsSync(directory)).toBe(false);
  });
});
