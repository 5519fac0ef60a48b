import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MINIMUM_AGENT } from '../../lambda/shared/agent-version.ts';

const lines = readFileSync('ami/versions.env', 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const versions = new Map(lines.map((line) => line.split('=', 2) as [string, string]));

describe('the list of versions', () => {
  it('can be read by a shell and by anybody else', () => {
    expect(lines.filter((line) => !/^[A-Z][A-Z0-9_]*=[A-Za-z0-9.+_-]+$/.test(line))).toEqual([]);
    expect(versions.size).toBe(lines.length);
  });

  it('has a checksum for what is downloaded', () => {
    expect(versions.get('NEBULA_SHA256')).toMatch(/^[0-9a-f]{64}$/);
  });

  it('names a Nebula that tells systemd when it is ready', () => {
    const [major = 0, minor = 0] = (versions.get('NEBULA_VERSION') ?? '').split('.').map(Number);

    expect([major, minor >= 8]).toEqual([1, true]);
  });

  it('demands the agent that the documents and the function demand', () => {
    const minimum = MINIMUM_AGENT.join('.');

    expect(versions.get('SSM_AGENT_MINIMUM_VERSION')).toBe(minimum);
    expect(readFileSync('ssm/lib/prologue.sh', 'utf8')).toContain(`SSM agent older than ${minimum}`);
  });
});
