import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createNodeHost } from '../../../local/node/create-node-host.ts';
import { findNebula } from '../../../local/node/mesh/find-nebula.ts';

afterEach(() => vi.unstubAllEnvs());

describe('the choice of a node host', () => {
  it('can be made by the caller', async () => {
    const host = await createNodeHost({ kind: 'played' });

    expect(host.kind).toBe('played');
    expect(host.reason).toContain('nothing is executed');
  });

  it('can be made by the environment', async () => {
    vi.stubEnv('CARRIERARR_NODE_HOST', 'played');

    expect((await createNodeHost()).kind).toBe('played');
  });

  it('is refused where the environment asks for what does not exist', async () => {
    vi.stubEnv('CARRIERARR_NODE_HOST', 'docker');

    await expect(createNodeHost()).rejects.toMatchObject({
      name: 'ConfigurationError',
      got: 'docker',
      allowed: 'mesh, sandbox, played, auto',
    });
  });

  it('says why the mesh cannot be real without Nebula or root', async () => {
    vi.stubEnv('CARRIERARR_NEBULA', '/nonexistent');

    await expect(createNodeHost({ kind: 'mesh' })).rejects.toThrow(/no mesh: (nebula and nebula-cert|not root)/);
  });
});

describe('the search for Nebula', () => {
  it('needs both programs', () => {
    const folder = mkdtempSync(join(tmpdir(), 'carrierarr-nebula-'));
    const install = (name: string) => {
      writeFileSync(join(folder, name), '#!/bin/sh\n');
      chmodSync(join(folder, name), 0o755);
    };

    install('nebula');
    expect(findNebula({ PATH: folder })).toBeUndefined();
    install('nebula-cert');
    expect(findNebula({ PATH: `/nonexistent:${folder}` })).toEqual({
      nebula: join(realpathSync(folder), 'nebula'),
      nebulaCert: join(folder, 'nebula-cert'),
    });
    expect(findNebula({ PATH: '', CARRIERARR_NEBULA: folder })).toBeDefined();
    rmSync(folder, { recursive: true });
  });
});
