import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

// Debian's Packer is 1.6.6, the last that carries the builder for AWS itself. It decodes the templates like any other,
// but does not know these settings; test/ami/packer-policy.test.ts looks at them.
const TOO_NEW = [/^ *metadata_options \{[^}]*\}\n/gm, /^ *(imds_support|deprecate_at|include_deprecated) += .*\n/gm];
const TOO_NEW_FILE = 'plugins.pkr.hcl';

export interface Answer {
  readonly status: number | null;
  readonly output: string;
}

/** Packer answers without credentials and without a network; what it would keep at home goes nowhere. */
export const packer = (binary: string, args: readonly string[], folder: string): Answer => {
  const { status, stdout, stderr } = spawnSync(binary, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, CHECKPOINT_DISABLE: '1', PACKER_NO_COLOR: '1' },
  });
  return { status, output: `${stdout}${stderr}` };
};

export const versionOf = (binary: string): string | undefined => {
  const { stdout, status } = spawnSync(binary, ['version'], { encoding: 'utf8' });
  return status === 0 ? /v([\d.]+)/.exec(stdout)?.[1] : undefined;
};

/** A copy of ami/ that may be changed; `old`: without what Packer before 1.7 does not know. */
export class Templates {
  readonly #repository = mkdtempSync(join(tmpdir(), 'carrierarr-packer-'));
  readonly folder = join(this.#repository, 'ami');

  constructor({ old }: { old: boolean }) {
    cpSync('ami', this.folder, { recursive: true });
    if (!old) return;
    rmSync(join(this.folder, TOO_NEW_FILE));
    this.change('al2023.pkr.hcl', (text) => TOO_NEW.reduce((rest, part) => rest.replace(part, ''), text));
  }

  change(file: string, by: (text: string) => string): void {
    const path = join(this.folder, file);
    const before = readFileSync(path, 'utf8');
    const after = by(before);
    if (after === before) throw new Error(`${file} has nothing to change`);
    writeFileSync(path, after);
  }

  /** A program where the agent's build leaves it. */
  buildAgent(folder: string): void {
    const program = join(this.folder, folder, 'worker-agent');
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, 'agent', { mode: 0o755 });
  }

  remove(file: string): void {
    rmSync(join(this.folder, file), { recursive: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.#repository, { recursive: true });
  }
}
