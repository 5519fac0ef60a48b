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
