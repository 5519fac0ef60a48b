import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildBundles } from '../../lib/bundling.ts';
import { ENTRY_POINTS } from '../../lib/entry-points.ts';
import { inlineKeys } from '../../lib/inline-schema-keys.ts';
import { settings } from '../lambda/launch/builders.ts';

const LIMIT_BYTES = 1_000_000;
const directory = mkdtempSync(join(tmpdir(), 'carrierarr-bundles-'));
let bundles: Awaited<ReturnType<typeof buildBundles>>;

beforeAll(async () => {
  bundles = await buildBundles();
}, 60_000);
afterAll(() => rmSync(directory, { recursive: true }));

/** What `lib/` sets for any function, and the role Lambda gives it. */
const environment = {
  PATH: process.env.PATH,
  AWS_REGION: 'us-west-2',
  FLEET: 'carrierarr',
  FLEET_SETTINGS: JSON.stringify(settings()),
  REGISTRY_TABLE: 'carrierarr',
  EVENT_BUS: 'carrierarr',
  LAUNCH_TEMPLATES: JSON.stringify({ lighthouse: 'lt-1', 'gpu-worker': 'lt-2' }),
  PROVISION_STATE_MACHINE: 'arn:aws:states:us-west-2:111122223333:stateMachine:carrierarr-provision',
  TEARDOWN_STATE_MACHINE: 'arn:aws:states:us-west-2:111122223333:stateMachine:carrierarr-teardown',
};

describe('the bundle of', () => {
  it.each(['launch', 'sweep', 'guard'] as const)('%s is at most 1 MB and initialises by itself', (name) => {
    const contents = bundles.get(name) ?? new Uint8Array();
    const file = join(directory, `${name}.mjs`);
    writeFileSync(file, contents);

    const script = `console.log(typeof (await import(${JSON.stringify(pathToFileURL(file))})).handler)`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { env: environment });

    expect(output.toString().trim()).toBe('function');
    expect(contents.byteLength).toBeGreaterThan(1_000);
    expect(contents.byteLength).toBeLessThanOrEqual(LIMIT_BYTES);
  });

  it('every function is at most 1 MB', () => {
    const sizes = Object.keys(ENTRY_POINTS).map(
      (name) => bundles.get(name as keyof typeof ENTRY_POINTS)?.byteLength ?? 0,
    );

    expect(Math.max(...sizes)).toBeLessThanOrEqual(LIMIT_BYTES);
  });
});

describe('keys of SDK schemas', () => {
  const source = 'const _xN = "xmlName";\nconst _p = "__proto__";\nvar a = [1, { [_xN]: _m, [_p]: 2, [_y]: 3 }];\n';

  it('are written as the constants they are, so that esbuild can drop what nobody uses', () => {
    expect(inlineKeys(source)).toContain('{ "xmlName": _m, [_p]: 2, [_y]: 3 }');
  });
});
