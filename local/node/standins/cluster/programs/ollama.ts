import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { listen } from '../listen.ts';
import { hasKnob, wiresHere } from '../place.ts';
import { Exit, runProgram } from '../program.ts';

const VERSION = '0.5.7';
const PORT = 11_434;

const answer = (request: IncomingMessage, response: ServerResponse): void => {
  const pages: Readonly<Record<string, string>> = {
    '/': 'Ollama is running',
    '/api/version': JSON.stringify({ version: VERSION }),
    '/api/tags': JSON.stringify({ models: [] }),
    '/api/ps': JSON.stringify({ models: [] }),
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

/** `ollama serve`: an HTTP server on one address, without models. */
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
