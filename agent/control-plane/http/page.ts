import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Context, Hono } from 'hono';
import type { Log } from '../../shared/log.ts';
import { problem } from './problem.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webmanifest': 'application/manifest+json',
};
const INDEX = 'index.html';
/** Below that, compressing saves no packet. */
const WORTH_BYTES = 1024;

interface File {
  readonly type: string;
  readonly etag: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer> | undefined;
}

const readPlain = (path: string): File => {
  const content = new Uint8Array(readFileSync(path));
  return {
    type: TYPES[extname(path)] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(content).digest('hex').slice(0, 24)}"`,
    plain: content,
    gzip: content.length < WORTH_BYTES ? undefined : new Uint8Array(gzipSync(content)),
  };
};

/** Every plain file of the folder, by name; nothing else on disk is ever looked at for a request. */
const readFolder = (folder: string | undefined, log: Log): ReadonlyMap<string, File> => {
  if (folder === undefined) return new Map();
  try {
    const names = readdirSync(folder, { withFileTypes: true }).filter(
      (entry) => entry.isFile() && !entry.name.startsWith('.'),
    );
    return new Map(names.map(({ name }) => [name, readPlain(join(folder, name))]));
  } catch {
    log('warn', 'no page', { folder, remedy: 'npm run build:control-plane, or set --page-dir' });
    return new Map();
  }
};

const answer = (context: Context, { type, etag, plain, gzip }: File): Response => {
  const headers = { 'content-type': type, etag, 'cache-control': 'no-cache', vary: 'accept-encoding' };
  if (context.req.header('if-none-match') === etag) return context.body(null, 304, headers);
  const zipped = gzip !== undefined && /\bgzip\b/.test(context.req.header('accept-encoding') ?? '');
  return zipped
    ? context.body(gzip, 200, { ...headers, 'content-encoding': 'gzip' })
    : context.body(plain, 200, headers);
};

/** The page at `/` and its files beside it. */
export const servePage = (app: Hono, folder: string | undefined, log: Log): void => {
  const files = readFolder(folder, log);
  app.get('/:file?', (context) => {
    const file = files.get(context.req.param('file') ?? INDEX);
    if (file !== undefined) return answer(context, file);
    return files.has(INDEX)
      ? problem(
          context,
          404,
          `there is nothing at ${context.req.path}`,
          'GET / shows the fleet; docs/control-plane.md lists the API',
        )
      : problem(
          context,
          404,
          'the page was not built',
          'run npm run build:control-plane, or set --page-dir; the API is at /api/v1',
        );
  });
};
