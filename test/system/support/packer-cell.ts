import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { IMAGES, type Image } from '#contract';
import { scriptsOf } from '../../../lib/images/script-list.ts';
import { freePort } from '../../../local/process/free-port.ts';
import { type Answer, packer, type Templates } from './packer.ts';

const CELL = join(import.meta.dirname, 'packer-cell.sh');
const RECORD = '/var/tmp/record';
const START_MS = 20_000;

/** Stand-ins for what the machine of a build has and this one may lack. */
const PROGRAMS = {
  sudo: '#!/bin/bash\nexec "$@"\n',
  'cloud-init': `#!/bin/bash\necho "cloud-init $*" >>${RECORD}\n`,
};

/** What keeps builds from being run here; undefined where nothing does. */
export const buildObstacle = (): string | undefined => {
  const missing = ['packer', 'dropbear', 'dropbearkey', 'ssh-keygen', 'scp', 'unshare'].filter(
    (program) => spawnSync('which', [program]).status !== 0,
  );
  if (missing.length > 0) return `${missing.join(', ')} not installed`;
  const { status } = spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']);
  return status === 0 ? undefined : 'no namespaces here';
};

const opens = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

/** A machine that Packer reaches by SSH and that keeps what was written to it apart. */
export class BuildCell {
  readonly folder = mkdtempSync(join(tmpdir(), 'carrierarr-build-cell-'));
  readonly #port: number;
  readonly #process: ChildProcess;

  private constructor(port: number) {
    this.#port = port;
    mkdirSync(join(this.folder, 'programs'));
    for (const [name, text] of Object.entries(PROGRAMS)) writeFileSync(join(this.folder, 'programs', name), text);
    // Packer of 2020 and dropbear agree on a host's key only where it is RSA.
    execFileSync('dropbearkey', ['-t', 'rsa', '-s', '2048', '-f', join(this.folder, 'host-key')], { stdio: 'ignore' });
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(this.folder, 'key')]);
    this.#process = spawn(
      'unshare',
      ['--mount', '--pid', '--fork', '--kill-child', 'bash', CELL, this.folder, String(port)],
      { stdio: 'ignore' },
    );
  }

  static async start(): Promise<BuildCell> {
    const cell = new BuildCell(await freePort());
    const end = Date.now() + START_MS;
    while (!(await opens(cell.#port))) {
      if (Date.now() > end) throw new Error('the cell does not answer');
      await sleep(50);
    }
    return cell;
  }

  /** Builds an image here, with scripts that only note how they were called; `failing` ends with 3. */
  build(templates: Templates, image: Image, failing?: string): Answer {
    const key = join(this.folder, 'key');
    templates.change('al2023.pkr.hcl', (text) =>
      text.replace(
        /source "amazon-ebs" "al2023" \{[\s\S]*\n\}\n/,
        `source "null" "al2023" {
  communicator         = "ssh"
  ssh_host             = "127.0.0.1"
  ssh_port             = ${this.#port}
  ssh_username         = "root"
  ssh_private_key_file = "${key}"
  ssh_timeout          = "20s"
}
`,
      ),
    );
    for (const each of IMAGES) {
      templates.change(`${each}.pkr.hcl`, (text) =>
        text.replace(
          / {2}source "source.amazon-ebs.al2023" \{[\s\S]*?\n {2}\}\n/,
          '  sources = ["source.null.al2023"]\n',
        ),
      );
    }
    for (const script of scriptsOf(image)) this.#record(templates, script.slice('ami/'.length), failing);
    return packer('packer', ['build', `-only=${image}.*`, '.'], templates.folder);
  }

  #record(templates: Templates, script: string, failing: string | undefined): void {
    const end = script === failing ? 'exit 3' : 'echo "{\\"image\\":\\"$IMAGE\\"}" >/etc/carrierarr/image.json';
    templates.change(
      script,
      () => `#!/bin/bash
echo "${script} $(id -u) $IMAGE $BAKE_DIR $NEBULA_VERSION $K3S_VERSION $NVIDIA_DRIVER_VERSION $OLLAMA_VERSION kmod=$NVIDIA_KMOD agent=$WORKER_AGENT" >>${RECORD}
mkdir -p /etc/carrierarr
${end}
`,
    );
  }

  /** How programs and scripts were called, in order. */
  get record(): string[] {
    return readFileSync(join(this.folder, 'written', RECORD), 'utf8')
      .trimEnd()
      .split('\n');
  }

  written(path: string): string {
    return join(this.folder, 'written', path);
  }

  async end(): Promise<void> {
    const gone = once(this.#process, 'exit');
    // unshare ignores every gentler signal.
    this.#process.kill('SIGKILL');
    await gone;
    for (let tries = 0; existsSync(this.folder) && tries < 50; tries += 1) {
      try {
        rmSync(this.folder, { recursive: true, force: true });
      } catch {
        await sleep(50);
      }
    }
  }
}
