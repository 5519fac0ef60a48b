import { rmSync } from 'node:fs';
import { BakeSandbox, KERNEL } from './bake-sandbox.ts';

/** Driver and module as `modinfo` finds them on the machine that becomes an image. */
const MODINFO = `
module=\${*: -1} field=\${*: -2:1}
[[ -e $SANDBOX/modules/$module ]] || { echo "modinfo: ERROR: Module $module not found." >&2; exit 1; }
if [[ $field == version ]]; then cat "$SANDBOX/modules/$module.version"; exit; fi
printf '%s SMP preempt mod_unload modversions\\n' "$(<"$SANDBOX/modules/$module")"`;

/** A sandbox that becomes a gpu-worker. */
export class GpuSandbox extends BakeSandbox {
  constructor() {
    super();
    this.program('modinfo', MODINFO);
    // Releases of this sandbox are others than those that are pinned.
    this.unpin('OLLAMA');
  }

  /** Runs one of the image's scripts. */
  gpu(name: string, env: Record<string, string> = {}) {
    return this.script(`gpu-worker/scripts/${name}.sh`, 'gpu-worker', env);
  }

  /** Puts a driver in place as its installation would: built, with its libraries, for a kernel. */
  driver(version: string, given: { kernel?: string; dkms?: string } = {}): void {
    const kernel = given.kernel ?? KERNEL;
    const dkms = given.dkms ?? `nvidia/${version}, ${kernel}, x86_64: installed`;
    this.says('dkms', `${dkms}\n`);
    for (const module of ['nvidia', 'nvidia-uvm']) {
      this.module(module, kernel);
      this.module(`${module}.version`, version);
    }
    this.write(`usr/lib64/libnvidia-ml.so.${version}`, '');
    this.write('usr/bin/nvidia-container-runtime', '', 0o755);
  }

  /** Takes a file of the image away. */
  discard(file: string): void {
    rmSync(this.path(file));
  }

  /** Everything but looks at what is there. */
  changes(): string[] {
    return this.calls().filter((call) => !/^(uname|grubby|dkms status|dnf --quiet versionlock list)/.test(call));
  }
}

/** NVIDIA's installer: notes how it was called, and leaves a built module and its libraries behind, or a log. */
export const publishInstaller = (sandbox: BakeSandbox, version: string, rc = 0): string => {
  const url = `https://us.download.nvidia.com/XFree86/Linux-x86_64/${version}/NVIDIA-Linux-x86_64-${version}.run`;
  const sum = sandbox.publish(
    url,
    `printf '%s\\n' "installer CC=$CC $*" >>"$SANDBOX/calls"
for word in "$@"; do case $word in --log-file-name=*) echo 'what went wrong' >"\${word#*=}" ;; esac; done
if [ ${rc} != 0 ]; then exit ${rc}; fi
printf 'nvidia/${version}, ${KERNEL}, x86_64: installed\\n' >"$SANDBOX/says/dkms"
printf '${KERNEL}' >"$SANDBOX/modules/nvidia"
printf '${version}' >"$SANDBOX/modules/nvidia.version"
mkdir -p "$BAKE_ROOT/usr/lib64"
touch "$BAKE_ROOT/usr/lib64/libnvidia-ml.so.${version}"
`,
  );
  sandbox.pin('NVIDIA_DRIVER', version, sum);
  return sum;
};

/** How a release of Ollama may be. */
export interface OllamaRelease {
  readonly asset?: string;
  readonly cuda?: readonly string[];
  /** What its list of checksums says instead of what is true. */
  readonly sum?: string;
}

/** A release of Ollama with its list of checksums. */
export const publishOllama = (sandbox: BakeSandbox, version: string, given: OllamaRelease = {}): string => {
  const { asset = 'ollama-linux-amd64.tar.zst', cuda = ['cuda_v12', 'cuda_v13'] } = given;
  const at = `https://github.com/ollama/ollama/releases/download/v${version}`;
  const said = 'Warning: could not connect to a running Ollama instance';
  const sum = sandbox.publishArchive(`${at}/${asset}`, {
    // Without a home the real one panics before it looks at its words.
    'bin/ollama': `#!/bin/bash\n: "\${HOME:?}"\necho '${said}'\necho 'Warning: client version is ${version}'\n`,
    'lib/ollama/libggml-base.so': 'cpu',
    ...Object.fromEntries(cuda.map((name) => [`lib/ollama/${name}/libcublas.so`, name])),
  });
  const lines = [`${'1'.repeat(64)}  ./ollama-windows-amd64.zip`, `${given.sum ?? sum}  ./${asset}`];
  sandbox.publish(`${at}/sha256sum.txt`, `${lines.join('\n')}\n${'2'.repeat(64)}  ./${asset}.sig\n`);
  return sum;
};
