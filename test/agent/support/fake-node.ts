import type { AskOptions, Clock, Ran, RunOptions, Settings, System } from '../../../agent/worker/ports.ts';

type Program = (argv: readonly string[], options: RunOptions) => Ran | Promise<Ran>;
type Page = (
  options: AskOptions,
) => { status: number; text: string } | undefined | Promise<{ status: number; text: string } | undefined>;

export const ran = (stdout = '', code = 0, stderr = ''): Ran => ({ code, stdout, stderr });

/** A machine of files, programs and pages; what is not there is missing as on a real one. */
export class FakeNode implements System {
  readonly files = new Map<string, string>();
  readonly programs = new Map<string, Program>();
  readonly pages = new Map<string, Page>();
  readonly disks = new Map<string, { used: number; total: number }>();
  readonly addresses = new Map<string, string>();
  /** What was run, one line each. */
  readonly commands: string[] = [];
  /** What was asked, `METHOD url body` each. */
  readonly questions: string[] = [];
  readonly #watches: { folder: string; changed: (name: string) => void }[] = [];

  /** A program that always says the same. */
  program(name: string, answer: Ran | Program): void {
    this.programs.set(name, typeof answer === 'function' ? answer : () => answer);
  }

  page(question: string, answer: unknown, status = 200): void {
    const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
    this.pages.set(question, () => ({ status, text }));
  }

  async run(argv: readonly string[], options: RunOptions): Promise<Ran> {
    this.commands.push(argv.join(' '));
    const program = this.programs.get(argv.slice(0, 2).join(' ')) ?? this.programs.get(argv[0] ?? '');
    return program === undefined ? ran('', 127, `spawn ${argv[0]} ENOENT`) : program(argv, options);
  }

  async readText(path: string): Promise<string | undefined> {
    return this.files.get(path);
  }

  async writeText(path: string, text: string): Promise<boolean> {
    this.files.set(path, text);
    return true;
  }

  async diskMegabytes(path: string): Promise<{ used: number; total: number } | undefined> {
    return this.disks.get(path);
  }

  async ask(url: string, options: AskOptions): Promise<{ status: number; text: string } | undefined> {
    const { method = 'GET', body } = options;
    this.questions.push([method, url, body].filter((part) => part !== undefined).join(' '));
    return this.pages.get(`${method} ${url}`)?.(options);
  }

  hostname(): string {
    return 'ip-10-0-1-7';
  }

  addressOf(device: string): string | undefined {
    return this.addresses.get(device);
  }

  watch(folder: string, changed: (name: string) => void): () => void {
    const watch = { folder, changed };
    this.#watches.push(watch);
    return () => void this.#watches.splice(this.#watches.indexOf(watch), 1);
  }

  change(folder: string, name: string): void {
    for (const watch of this.#watches.filter((each) => each.folder === folder)) watch.changed(name);
  }
}

/** Time that moves when told; who sleeps wakes up in order. */
export class FakeClock implements Clock {
  wall = new Date('2026-11-22T06:00:00Z');
  #now = 0;
  readonly #sleepers = new Set<{ at: number; wake: () => void }>();

  now(): Date {
    return this.wall;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = { at: this.#now + milliseconds, wake: () => resolve() };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        resolve();
      });
      if (signal?.aborted === true) resolve();
    });
  }

  /** How many wait for the clock. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  async advance(milliseconds: number): Promise<void> {
    this.#now += milliseconds;
    for (const sleeper of [...this.#sleepers].filter(({ at }) => at <= this.#now)) {
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export const aSettings = (overrides: Partial<Settings> = {}): Settings => ({
  controlPlane: { host: '10.100.0.1', port: 50_051 },
  tls: { on: false, caFile: undefined },
  tokenFile: '/run/carrierarr/agent-token',
  nodeType: 'gpu-worker',
  nodeId: 'ip-10-0-1-7',
  worker: 'gpu-1',
  fleet: undefined,
  generation: undefined,
  instanceId: 'i-0123456789abcdef0',
  nebulaIp: '10.100.3.7',
  privateIp: '10.0.1.7',
  publicIp: '203.0.113.7',
  region: 'eu-west-1',
  availabilityZone: undefined,
  healthPort: 8080,
  exec: false,
  logLevel: 'info',
  ...overrides,
});

const OLLAMA = 'http://10.100.3.7:11434';

/** What `systemctl show` prints of one unit. */
export const aUnit = (name: string, overrides: Readonly<Record<string, string>> = {}): string =>
  Object.entries({
    Id: `${name}.service`,
    LoadState: 'loaded',
    ActiveState: 'active',
    SubState: 'running',
    Result: 'success',
    NRestarts: '0',
    ConditionResult: 'yes',
    ConditionTimestampMonotonic: '9000000',
    ActiveEnterTimestampMonotonic: '10000000',
    ...overrides,
  })
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');

export const noUnit = (name: string): string =>
  aUnit(name, {
    LoadState: 'not-found',
    ActiveState: 'inactive',
    SubState: 'dead',
    ActiveEnterTimestampMonotonic: '0',
  });

export const cpuTicks = (busy: number, idle: number): string =>
  `cpu  ${busy} 0 0 ${idle} 0 0 0 0 0 0\n${[0, 1, 2, 3].map((core) => `cpu${core} 1 0 0 1 0 0 0 0 0 0`).join('\n')}\n`;

/** A g4dn.xlarge in service, with a model loaded, that is well and at rest. */
export const aGpuWorker = (): FakeNode => {
  const node = new FakeNode();
  node.program(
    'systemctl show',
    ran(
      ['nebula', 'k3s-agent', 'ollama']
        .map((name) => aUnit(name))
        .concat(noUnit('k3s'))
        .join('\n\n'),
    ),
  );
  node.program('nvidia-smi', ran('0, Tesla T4, 3, 15360, 0, 34\n'));
  node.page(`GET ${OLLAMA}/api/tags`, {
    models: [
      { name: 'llama3.2:3b', size: 2_019_393_189 },
      { name: 'qwen3:8b', size: 5_200_000_000 },
    ],
  });
  node.page(`GET ${OLLAMA}/api/ps`, { models: [{ name: 'llama3.2:3b', expires_at: '2026-11-22T06:05:00.1+00:00' }] });
  node.files.set('/proc/uptime', '1000.50 3900.00\n');
  node.files.set('/proc/stat', cpuTicks(1000, 99_000));
  node.files.set(
    '/proc/meminfo',
    'MemTotal:       16000000 kB\nMemFree:          100000 kB\nMemAvailable:   12000000 kB\n',
  );
  node.files.set('/var/lib/carrierarr/in-service', 'i-0123456789abcdef0\n');
  node.files.set('/run/carrierarr/timeline', '1763791200.123 kernel-start\n1763791230.456 boot-done\n');
  node.disks.set('/', { used: 12_000, total: 50_000 });
  return node;
};
