import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MARKETS, ROLES } from '#contract';
import { type DeployedFleet, deployedFleet } from './support/command-line.ts';

let fleet: DeployedFleet;
beforeEach(async () => {
  fleet = await deployedFleet();
});
afterEach(() => fleet.close());

describe('carrierarr', () => {
  it('explains itself with --help', async () => {
    const { code, out } = await fleet.run('--help');

    expect(code).toBe(0);
    await expect(out).toMatchFileSnapshot('../golden/cli/help.txt');
  });

  it('names every role and market in the help of provision', async () => {
    const { out } = await fleet.run('provision --help');

    for (const word of [...ROLES, ...MARKETS]) expect(out).toContain(word);
  });

  it('explains exit codes that the documentation explains alike', async () => {
    const { out } = await fleet.run('--help');
    const documented = readFileSync('docs/cli.md', 'utf8');

    for (const [, code] of out.matchAll(/^ {2}(\d+) {2}/gm))
      expect(documented).toMatch(new RegExp(`^\\| *${code} *\\|`, 'm'));
  });

  it.each([
    ['', 2],
    ['unknown', 2],
    ['status --nonsense', 2],
    ['--version', 0],
    ['cert', 2],
    ['cert show', 2],
    ['homelab', 2],
  ])('"%s" ends with exit code %d without asking AWS', async (line, exit) => {
    expect((await fleet.run(line)).code).toBe(exit);
    expect(fleet.cloudFormation.calls()).toHaveLength(0);
  });

  it.each(['status', 'logs', 'shell', 'teardown', 'cert renew'])(
    '%s refuses what cannot be a name',
    async (command) => {
      const { code, err } = await fleet.run([...command.split(' '), '../workers']);

      expect(code).toBe(2);
      expect(err).toContain('name: not valid; got "../workers"');
      expect(fleet.api.requests).toEqual([]);
    },
  );

  it('takes global options before and after the command', async () => {
    fleet.api.answer('GET /workers', { status: 200, body: { workers: [] } });

    expect((await fleet.run('--json status')).out).toBe('{"workers":[]}\n');
    expect((await fleet.run('status --json')).out).toBe('{"workers":[]}\n');
  });

  it('says what to do when the fleet is not deployed', async () => {
    fleet.cloudFormation.reset();
    fleet.cloudFormation.onAnyCommand().rejects(new Error('Stack with id other-fleet does not exist'));

    const { code, err } = await fleet.run('status --fleet other --region eu-west-1');

    expect(code).toBe(5);
    expect(err).toContain('no stack other-fleet in eu-west-1');
    expect(err).toMatch(/remedy .*cdk deploy.*carrierarr local up/);
  });

  it('shows errors as JSON with --json and a stack trace only with --debug', async () => {
    fleet.cloudFormation.reset();
    fleet.cloudFormation.onAnyCommand().rejects(new Error('boom'));

    const plain = await fleet.run('status');
    const json = await fleet.run('status --json');
    const debug = await fleet.run('status --debug');

    expect(plain).toMatchObject({ code: 1, err: expect.stringContaining('Error: boom') });
    expect(plain.err).not.toMatch(/\n +at /);
    expect(JSON.parse(json.err)).toMatchObject({ event: 'error', exitCode: 1, what: 'Error: boom' });
    expect(debug.err).toMatch(/\n +at /);
  });

  it.each([
    ['CredentialsProviderError', 'AWS does not accept the credentials'],
    ['ExpiredToken', 'AWS does not accept the credentials'],
    ['AccessDenied', 'these credentials may not do that'],
  ])('%s ends with exit code 5 and a remedy', async (name, text) => {
    fleet.cloudFormation.reset();
    fleet.cloudFormation.onAnyCommand().rejects(Object.assign(new Error('x'), { name }));

    const { code, err } = await fleet.run('status');

    expect(code).toBe(5);
    expect(err).toContain(text);
  });
});
