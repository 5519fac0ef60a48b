import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange } from '../client/exchange.ts';
import { FlagError, type Flags, parseFlags } from '../flags.ts';
import { Exit, runProgram } from '../program.ts';

const VALUES = ['control-plane', 'type', 'health-port', 'instance-id', 'nebula-ip', 'public-ip', 'region', 'az'];
const TYPES: Readonly<Record<string, string>> = {
  lighthouse: 'NODE_TYPE_LIGHTHOUSE',
  'gpu-worker': 'NODE_TYPE_GPU_WORKER',
};
const BEAT_MILLISECONDS = 20_000;
const RETRY_MILLISECONDS = 1000;
/** Where the node writes that EC2 takes it back: `{"action", "time", "at"}`, in one move. */
const INTERRUPTION = '/run/carrierarr/interruption.json';

const say = (text: string): void => {
  process.stdout.write(`${new Date().toISOString()} ${text}\n`);
};

const flagsOf = (argv: readonly string[]): Flags => {
  try {
    return parseFlags(argv, { values: VALUES });
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    throw new Exit(2, error.message.replace(/^unknown flag: -/, 'flag provided but not defined: '));
  }
};

const settingsOf = (flags: Flags) => {
  const kind = flags.get('type') ?? 'gpu-worker';
  const type = TYPES[kind];
  if (type === undefined) throw new Exit(1, `unknown node type ${kind}`);
  const address = flags.get('control-plane') ?? process.env.CONTROL_PLANE_ADDR ?? '';
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(address) ?? [];
  if (host === '') throw new Exit(1, 'control plane address is required');
  const id = flags.get('instance-id') ?? process.env.INSTANCE_ID ?? hostname();
  const report = {
    id: hostname(),
    type,
    instance_id: id,
    nebula_ip: flags.get('nebula-ip') ?? '',
    public_ip: flags.get('public-ip') ?? process.env.PUBLIC_IP ?? '',
  };
  return { host, port: Number(port), report };
};

const interruptionHere = (): Record<string, unknown> => {
  if (!existsSync(INTERRUPTION)) return {};
  return { interruption: JSON.parse(readFileSync(INTERRUPTION, 'utf8')) as unknown };
};

/** Until the next report is due: at once where the node is about to be taken back. */
const rest = async (milliseconds: number, told: boolean, signal: AbortSignal): Promise<void> => {
  for (let waited = 0; waited < milliseconds && !signal.aborted; waited += RETRY_MILLISECONDS) {
    if (!told && existsSync(INTERRUPTION)) return;
    await sleep(RETRY_MILLISECONDS, undefined, { signal }).catch(() => 0);
  }
};

/** Reports to the stand-in of the control plane and goes on for as long as it is let, as the agent does. */
const main = async (argv: readonly string[]): Promise<number> => {
  const { host, port, report } = settingsOf(flagsOf(argv));
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort()).once('SIGINT', () => stop.abort());
  const tell = (method: string, path: string, body?: string) =>
    exchange({ method, host, port, path, timeoutMs: 5000, ...(body === undefined ? {} : { body }) });
  const announce = async (): Promise<{ registered: boolean; told: boolean }> => {
    try {
      const interruption = interruptionHere();
      const { status, text } = await tell('POST', '/api/v1/nodes', JSON.stringify({ ...report, ...interruption }));
      if (status !== 200) throw new Error(`${status} ${text.trim()}`);
      return { registered: true, told: 'interruption' in interruption };
    } catch (error) {
      say(`cannot register with ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`);
      return { registered: false, told: false };
    }
  };
  let registered = false;
  let told = false;
  while (!stop.signal.aborted) {
    const now = await announce();
    if (now.registered && !registered) say(`registered with ${host}:${port} as ${report.id}`);
    if (now.told && !told) say('told the control plane that EC2 takes this node back');
    ({ registered, told } = now);
    await rest(registered ? BEAT_MILLISECONDS : RETRY_MILLISECONDS, told, stop.signal);
  }
  if (registered) await tell('DELETE', `/api/v1/nodes/${report.id}`).catch(() => undefined);
  return 0;
};

await runProgram('worker-agent', () => undefined, main);
