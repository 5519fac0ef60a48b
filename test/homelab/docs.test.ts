import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONTROL_PLANE_SECRETS } from '../../cli/homelab/control-plane-secrets.ts';

const PAGES = ['docs/homelab.md', 'docs/runbook.md'] as const;
const text = (file: string): string => readFileSync(file, 'utf8');
const machines = readdirSync('lib/state-machines')
  .map((file) => text(join('lib/state-machines', file)))
  .join('\n');

describe.each(PAGES)('%s', (page) => {
  it('names states that the machines have', () => {
    const named = [...text(page).matchAll(/\*\*([A-Z][a-z]+(?:[A-Z][A-Za-z]+)+)\*\*/g)].map(([, state]) => state ?? '');

    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((state) => !machines.includes(`'${state}'`))).toEqual([]);
  });

  it('links to files that are there', () => {
    const targets = [...text(page).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target]) => target ?? '');

    expect(targets.filter((target) => !existsSync(join(dirname(page), target)))).toEqual([]);
  });

  it('applies folders that are there', () => {
    const folders = [...text(page).matchAll(/kubectl (?:apply|delete) +-k (homelab[a-z/]*)/g)].map(
      ([, path]) => path ?? '',
    );

    expect(folders.filter((folder) => !existsSync(join(folder, 'kustomization.yaml')))).toEqual([]);
  });
});

describe('docs/homelab.md', () => {
  const names = (file: string): string[] => [...new Set(text(file).match(/DOOR_[A-Z_]+/g))].toSorted();

  it('explains every variable of the door, and none it does not have', () => {
    expect(names('docs/homelab.md')).toEqual(names('homelab/mesh-door/settings.ts'));
  });

  it('tells of every Secret of the control plane, and what is in it', () => {
    const { agentKey, commandToken, aws } = CONTROL_PLANE_SECRETS;
    const rows = [
      `| \`${agentKey.name}\` | \`${agentKey.key}\``,
      `| \`${commandToken.name}\` | \`${commandToken.key}\``,
      `| \`${aws.name}\` | \`${aws.certificate}\`, \`${aws.key}\``,
    ];

    for (const row of rows) expect(text('docs/homelab.md')).toContain(row);
  });

  it('tells of every role that may be bound', () => {
    for (const role of ['carrierarr-operator', 'carrierarr-installer', 'carrierarr-provider'])
      expect(text('docs/homelab.md')).toContain(`| \`${role}\` |`);
  });
});
