import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { listen } from '../listen.ts';
import { hasKnob, wiresHere } from '../place.ts';
import { Exit, runProgram } from '../program.ts';

const VERSION = '0.5.7';
const PORT = 11_434;

const KEEP_ALIVE_MS = 300_000;
/** As much as a small model has. */
const SIZE = 4_661_224_676;
const STATE = '/var/lib/standins/ollama.json';

const readModels = (): [string, number][] => {
  try {
    return JSON.parse(readFileSync(STATE, 'utf8')) as [string, number][];
  } catch {
    return [];
  }
};

/** Models by name, and until when each is loaded. */
const models = new Map(readModels());

const save = (): void => {
  mkdirSync(dirname(STATE), { recursive: true });
  writeFileSync(STATE, JSON.stringify([...models]));
};

const view = ([name, until]: readonly [string, number]) => ({
  name,
  model: name,
  size: SIZE,
  size_vram: SIZE,
  digest: 'played',
  expires_at: new Date(until).toISOString(),
});

const isLoaded = ([, until]: readonly [string, number]): boolean => until > Date.now();

/** A pull is told line by line and brings nothing but the name. */
const pull = (name: string, response: ServerResponse): void => {
  const lines = ['pulling manifest', 'verifying sha256 digest', 'writing manifest', 'success'];
  for (const status of lines) response.write(`${JSON.stringify({ status })}\n`);
  if (!models.has(name)) models.set(name, 0);
  save();
  response.end();
};

/** Loads a model, or with a `keep_alive` of nothing unloads it. */
const generate = (name: string, keepAlive: unknown, response: ServerResponse): void => {
  if (!models.has(name)) {
    response.writeHead(404).end(JSON.stringify({ error: `model '${name}' not found` }));
    return;
  }
  const unload = keepAlive === 0 || keepAlive === '0' || keepAlive === '0s';
  models.set(name, unload ? 0 : Date.now() + KEEP_ALIVE_MS);
  save();
  const done = { model: name, created_at: new Date().toISOString(), response: '', done: true };
  response.writeHead(200).end(JSON.stringify({ ...done, done_reason: unload ? 'unload' : 'load' }));
};

const act = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const given = JSON.parse((await buffer(request)).toString('utf8')) as Record<string, unknown>;
  const name = String(given.model ?? given.name ?? '');
  const full = name.includes(':') ? name : `${name}:latest`;
  if (request.url === '/api/pull') pull(full, response);
  else if (request.url === '/api/generate') generate(full, given.keep_alive, response);
  else response.writeHead(404).end('404 page not found');
};

const answer = (request: IncomingMessage, response: ServerResponse): void => {
  if (request.method === 'POST') {
    act(request, response).catch(() => response.writeHead(400).end('{"error":"malformed request"}'));
    return;
  }
  const pages: Readonly<Record<string, string>> = {
    '/': 'Ollama is running',
    '/api/version': JSON.stringify({ version: VERSION }),
    '/api/tags': JSON.stringify({ models: [...models].map(view) }),
    '/api/ps': JSON.stringify({ models: [...models].filter(isLoaded).map(view) }),
  };
  const page = pages[request.url ?? '/'];
  response.writeHead(page === undefined ? 404 : 200).end(page ?? '404 page not found');
};

/** Where `OLLAMA_HOST` says; the knob `ollama.everywhere` makes it listen on every address instead, as 0.0.0.0 would. */
const doorHere = (): { host: string; port: number } => {
  const [host = '', port = String(PORT)] = (process.env.OLLAMA_HOST ?? '127.0.0.1').split(':');
  return { host: hasKnob('ollama.everywhere') ? '0.0.0.0' : host, port: Number(port) };
};

const bind = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      const reason = error.code === 'EADDRINUSE' ? 'address already in use' : 'cannot assign requested address';
      reject(new Exit(1, `Error: listen tcp ${host}:${port}: bind: ${reason}`));
    };
    server.once('error', refuse).listen(port, host, resolve);
  });

/** `ollama serve`: an HTTP server on one address; models are names that it was told to pull. */
const main = async (argv: readonly string[]): Promise<number> => {
  if (argv.join(' ') !== 'serve') throw new Exit(1, `Error: unknown command "${argv[0] ?? ''}" for "ollama"`);
  const { host, port } = doorHere();
  const server = createServer(answer);
  if (wiresHere() === undefined) await bind(server, host, port);
  else {
    const hosts = host === '0.0.0.0' ? ['127.0.0.1', process.env.NEBULA_IP ?? '127.0.0.1'] : [host];
    await listen(
      hosts.map((each) => ({ host: each, port })),
      (socket) => void server.emit('connection', socket),
    );
  }
  process.stdout.write(
    `time=${new Date().toISOString()} level=INFO msg="Listening on ${host}:${port} (version ${VERSION})"\n`,
  );
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
  });
  return 0;
};

await runProgram('ollama', ([verb]) => verb, main);
