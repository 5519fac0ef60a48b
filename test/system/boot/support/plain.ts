import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { bakeBundle } from '../../../../lib/images/bake-bundle.ts';
import { renderPlainUserData } from '../../../../userdata/render-plain.ts';
import { publishK3s, publishTools } from '../../../ami/support/artifacts.ts';
import { BakeSandbox } from '../../../ami/support/bake-sandbox.ts';
import type { Program } from '../../support/nebula-programs.ts';
import { BUCKET } from './cloud.ts';

/** k3s as the image scripts need it, which also serves. */
const SERVES = `#!/bin/bash
BAKE_ROOT=\${BAKE_ROOT:-}
case \${1:-} in agent | server) systemd-notify --ready; exec sleep infinity ;; esac
`;
const MODULES = ['overlay', 'br_netfilter', 'tun', 'wireguard', 'vxlan', 'geneve'];

const publishNebula = (sandbox: BakeSandbox, { path }: Program): void => {
  const version = sandbox.version('NEBULA_VERSION');
  const url = `https://github.com/slackhq/nebula/releases/download/v${version}/nebula-linux-amd64.tar.gz`;
  const rename = `s/^${basename(path)}$/nebula/`;
  const words = ['--gzip', '-cf', '-', '-C', dirname(path), `--transform=${rename}`, basename(path)];
  const { stdout } = spawnSync('tar', words, { maxBuffer: 100_000_000 });
  sandbox.pin('NEBULA', version, sandbox.publish(url, stdout));
};

const publishServingK3s = (sandbox: BakeSandbox): void => {
  publishK3s(sandbox);
  const version = sandbox.version('K3S_VERSION');
  const url = `https://github.com/k3s-io/k3s/releases/download/${version.replace('+', '%2B')}/k3s`;
  const program = readFileSync(join(sandbox.folder, 'mirror', url.slice('https://'.length)), 'utf8');
  sandbox.pin('K3S', version, sandbox.publish(url, SERVES + program));
};

/**
 * All that a lighthouse needs which installs itself: an internet with the files that image scripts fetch, packages as
 * stand-ins, the scripts as a bundle whose checksums are those files', and its user data.
 */
export const preparePlainLighthouse = (nebula: Program) => {
  const sandbox = new BakeSandbox();
  publishNebula(sandbox, nebula);
  publishTools(sandbox);
  publishServingK3s(sandbox);
  for (const name of MODULES) sandbox.module(name);
  const root = mkdtempSync(join(tmpdir(), 'carrierarr-plain-'));
  cpSync(sandbox.tree, join(root, 'ami'), { recursive: true, dereference: true });
  const { file, sha256 } = bakeBundle(root);
  const bundle = readFileSync(file);
  rmSync(root, { recursive: true });
  const bundleKey = `${sha256}.tar.gz`;
  const userData = renderPlainUserData({
    role: 'lighthouse',
    fleet: 'carrierarr',
    region: 'us-west-2',
    secretPrefix: 'catalyst-llm',
    controlPlane: '10.100.0.1:50051',
    readySeconds: 7200,
    bundleBucket: BUCKET,
    bundleKey,
    bundleSha256: sha256,
    nebulaVersion: sandbox.version('NEBULA_VERSION'),
    k3sVersion: sandbox.version('K3S_VERSION'),
    ciliumVersion: sandbox.version('CILIUM_VERSION'),
    liqoVersion: sandbox.version('LIQO_VERSION'),
    nvidiaDriverVersion: '550',
    ollamaVersion: 'latest',
  });
  return { sandbox, bundle, bundleKey, userData };
};

export type PlainLighthouse = ReturnType<typeof preparePlainLighthouse>;
