import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Role } from '#contract';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

const STANDINS = resolve('local/node/standins');
const PATH = ['/run/stubs', `${STANDINS}/mesh-less`, `${STANDINS}/common`, '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const NAMESPACES = ['--user', '--map-root-user', '--mount', '--pid', '--fork'];
/** Every shell on the node reads it first, where it is there. */
const SHELL_START = '/run/shell-start.sh';
/** What a second of sleep moves the clocks by that limits are measured with: bash's own and the machine's. */
const HASTE = 10;
const HASTY_SLEEP = `
sleep() {
  if [[ -e /run/stubs/sleep ]]; then command sleep "$@"; return; fi
  local whole=\${1%.*} tenths=0 up
  if [[ $1 == *.* ]]; then tenths=\${1#*.} tenths=\${tenths:0:1}; fi
  tenths=$(((whole * 10 + tenths) * ${HASTE}))
  printf '%s\\n' "$1" >>/run/slept
  SECONDS=$((SECONDS + tenths / 10))
  read -r up _ </proc/uptime
  tenths=$((tenths + \${up%.*} * 10))
  printf '%d.%d0 0.00\\n' $((tenths / 10)) $((tenths % 10)) 1<>/run/uptime
}
`;
const NEEDED = ['curl', 'jq', 'flock', 'unshare', 'nsenter', 'setsid'];

const probe = (): string | undefined => {
  const missing = NEEDED.filter((program) => spawnSync('which', [program]).status !== 0);
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  const layers =
    'mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w && mount -t overlay o -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w /etc';
  const tried = spawnSync('unshare', [...NAMESPACES, 'bash', '-ec', layers], { encoding: 'utf8' });
  return tried.status === 0 ? undefined : `no overlay in a user namespace: ${tried.stderr.trim()}`;
};

/** Why no sandbox can be had on this machine; undefined where it can. */
export const sandboxObstacle = process.platform === 'linux' ? probe() : 'not Linux';
if (sandboxObstacle !== undefined) {
  console.warn(`SKIPPED: the node's scripts are not run, since there is no sandbox for them here (${sandboxObstacle})`);
}

const collect = async (child: ChildProcess): Promise<Outcome> => {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? -1, stdout, stderr };
};

/**
 * A node for scripts: mount and process namespaces over the machine's read-only root, with the image's files installed,
 * `/etc/nebula` in memory and the stand-ins on PATH. It shares the machine's network, so that a fake of AWS on loopback
 * can be reached.
 */
export class NodeSandbox {
  readonly #holder: ChildProcess;
  readonly #stage: string;
  readonly #pid: string;
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(holder: ChildProcess, stage: string, pid: string, environment: Readonly<Record<string, string>>) {
    this.#holder = holder;
    this.#stage = stage;
    this.#pid = pid;
    this.#environment = { PATH: PATH.join(':'), HOME: '/root', BASH_ENV: SHELL_START, ...environment };
  }

  /**
   * @param environment of everything that runs on the node
   * @param role whose image the node is made from
   */
  static async start(
    environment: Readonly<Record<string, string>> = {},
    role: Role = 'gpu-worker',
  ): Promise<NodeSandbox> {
    const stage = mkdtempSync(join(tmpdir(), 'carrierarr-sandbox-'));
    const script = [
      resolve('test/ssm/node-sandbox.sh'),
      stage,
      resolve('ami/base/files'),
      resolve(`ami/${role}/files`),
    ];
    const holder = spawn('unshare', [...NAMESPACES, '--kill-child', 'bash', ...script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [pid] = (await once(holder.stdout, 'data')) as [Buffer];
    return new NodeSandbox(holder, stage, pid.toString().trim(), environment);
  }

  /** Starts a program on the node; {@link Outcome} when it has ended. */
  run(command: readonly string[], { env = {}, input = '' }: RunOptions = {}): Promise<Outcome> {
    const enter = ['--target', this.#pid, '--user', '--mount', '--pid', '--preserve-credentials', '--'];
    const child = spawn('nsenter', [...enter, ...command], {
      env: { ...this.#environment, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin?.on('error', () => undefined).end(input);
    return collect(child);
  }

  /** A line of shell on the node; what it prints. */
  async shell(line: string, input = ''): Promise<string> {
    const { code, stdout, stderr } = await this.run(['bash', '--norc', '-euo', 'pipefail', '-c', line], { input });
    if (code !== 0) throw new Error(`on the node: ${line}: exit code ${code}: ${stderr}`);
    return stdout;
  }

  /**
   * Waits by the clock until a condition of the shell holds: long enough for a busy machine, and no longer than it
   * takes.
   */
  async until(condition: string, seconds = 60): Promise<void> {
    const late = `echo 'it did not come true within ${seconds} s' >&2; exit 1`;
    await this.shell(
      `end=$((SECONDS + ${seconds})); until ${condition}; do ((SECONDS < end)) || { ${late}; }; /bin/sleep 0.05; done`,
    );
  }

  async write(path: string, text: string, mode = '0644'): Promise<void> {
    await this.shell(`mkdir -p '${dirname(path)}'; cat >'${path}'; chmod ${mode} '${path}'`, text);
  }

  /** Puts a program first on the node's PATH. */
  async stub(program: string, text: string): Promise<void> {
    await this.write(`/run/stubs/${program}`, `#!/bin/bash\n${text}\n`, '0755');
  }

  /**
   * From now on no shell sleeps: each sleep moves its clock, and the machine's, which stands still otherwise, and is
   * written down in `/run/slept`. A limit is reached after few looks, whatever the machine is doing. A stub of `sleep`
   * goes first.
   */
  async hasten(): Promise<void> {
    await this.shell(
      'rm -f /run/stubs/sleep; cut -d . -f 1 /proc/uptime >/run/uptime; mount --bind /run/uptime /proc/uptime; : >/run/slept',
    );
    await this.write(SHELL_START, HASTY_SLEEP);
  }

  async read(path: string): Promise<string> {
    return await this.shell(`cat '${path}'`);
  }

  /** Ends everything on the node. */
  async close(): Promise<void> {
    const gone = once(this.#holder, 'close');
    this.#holder.kill('SIGKILL');
    await gone;
    rmSync(this.#stage, { recursive: true, force: true });
  }
}
