import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfiguration } from '../../../local/deploy/configuration.ts';

describe('the configuration of an embedded cloud', () => {
  it('takes fleet and region as the app will', async () => {
    expect(await readConfiguration({}, {})).toMatchObject({ fleet: 'carrierarr', region: 'us-west-2' });
    expect(await readConfiguration({ fleet: 'two', region: 'eu-west-1' }, {})).toMatchObject({
      fleet: 'two',
      region: 'eu-west-1',
    });
  });

  it("keeps the user's own file under what the caller wants", async () => {
    const directory = mkdtempSync(join(tmpdir(), 'carrierarr-config-'));
    const file = join(directory, 'mine.json');
    writeFileSync(file, JSON.stringify({ fleet: 'mine', limits: { bootSeconds: 60, terminateSeconds: 90 } }));

    const { fleet, overrides } = await readConfiguration({ limits: { bootSeconds: 20 } }, { CARRIERARR_CONFIG: file });
    rmSync(directory, { recursive: true });

    expect(fleet).toBe('mine');
    expect(overrides).toEqual({ fleet: 'mine', limits: { bootSeconds: 20, terminateSeconds: 90 } });
  });
});
