import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPageDoor, type PageDoor } from '../../../local/node/homelab/page-door.ts';

describe.skipIf(platform() !== 'linux')('the door to the page', () => {
  let folder: string;
  let door: PageDoor | undefined;
  const server = createServer((request, response) => response.end(`page ${request.url}`));
  beforeEach(() => {
    // Deeper than a Unix socket's path may be long.
    folder = join(mkdtempSync(join(tmpdir(), 'carrierarr-page-')), 'a'.repeat(60), 'b'.repeat(60));
    mkdirSync(folder, { recursive: true });
  });
  afterEach(async () => {
    await door?.close();
    door = undefined;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  /** Listens under a short name for the folder, as a program in a cell does, which sees it elsewhere. */
  const serve = async (name: string): Promise<string> => {
    const short = mkdtempSync(join(tmpdir(), 'c-'));
    rmSync(short, { recursive: true });
    symlinkSync(folder, short);
    await new Promise<void>((resolve) => server.listen(join(short, name), resolve));
    rmSync(short);
    return join(folder, name);
  };

  it('leads from a port of the loopback interface to a socket however deep', async () => {
    door = await openPageDoor(await serve('page.sock'));

    expect(door.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(`${door.url}/api`)).text()).toBe('page /api');
  });

  it('hangs up where nobody listens, and lets in whoever comes when somebody does', async () => {
    door = await openPageDoor(join(folder, 'page.sock'));
    await expect(fetch(door.url)).rejects.toThrow();

    await serve('page.sock');

    expect((await fetch(door.url)).status).toBe(200);
  });

  it('does not follow a link that leads elsewhere', async () => {
    symlinkSync(await serve('other.sock'), join(folder, 'page.sock'));
    door = await openPageDoor(join(folder, 'page.sock'));

    await expect(fetch(door.url)).rejects.toThrow();
  });

  it('is shut for good, open connections included', async () => {
    const { url, close } = await openPageDoor(await serve('page.sock'));
    await fetch(url);

    await close();

    await expect(fetch(url)).rejects.toThrow();
  });
});
