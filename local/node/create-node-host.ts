import { ConfigurationError } from '#shared/errors.ts';
import type { LocalNodeHost } from './host.ts';
import { findNebula } from './mesh/find-nebula.ts';
import { createMeshHost } from './mesh/mesh-host.ts';
import { createPlayedHost } from './played/played-host.ts';
import { probeCell } from './sandbox/probe.ts';
import { createSandboxHost } from './sandbox/sandbox-host.ts';

type Kind = LocalNodeHost['kind'];

export interface NodeHostOptions {
  /** @default - environment variable CARRIERARR_NODE_HOST, else the best this machine can do */
  readonly kind?: Kind;
  /**
   * Public name of the homelab's lighthouse, without port.
   * @default nebula.knowledgedump.space
   */
  readonly homelabName?: string;
  /**
   * Mesh address of the lighthouse with the mesh's mask.
   * @default 10.100.0.1/16
   */
  readonly lighthouse?: string;
}

const KINDS: readonly Kind[] = ['mesh', 'sandbox', 'played'];

/** What the scripts that run on a node need, and writing where they write. */
const NODE_CHECK = `#!/bin/bash
set -eu
for program in curl jq flock ip sha256sum base64 od setsid; do
  command -v "$program" >/dev/null || { echo "$program is not installed" >&2; exit 1; }
done
curl --help all | grep -q aws-sigv4 || { echo 'curl is older than 7.75' >&2; exit 1; }
touch /etc/probe /usr/local/bin/probe /var/lib/probe /run/probe
`;

const MESH_CHECK = `${NODE_CHECK}
command -v ping >/dev/null || { echo 'ping is not installed' >&2; exit 1; }
ip tuntap add dev nebula0 mode tun
nebula -version
`;

type Attempt = { readonly host: LocalNodeHost } | { readonly why: string };

const tryMesh = async (options: NodeHostOptions): Promise<Attempt> => {
  if (process.getuid?.() !== 0) return { why: 'not root' };
  const programs = findNebula(process.env);
  if (programs === undefined) return { why: 'nebula and nebula-cert are not installed' };
  // Every node sees the host's /usr; what lies elsewhere has to be shown to it.
  const nebula = programs.nebula.startsWith('/usr/') ? undefined : programs.nebula;
  const probe = await probeCell({ overlay: true, tun: true, nebula, script: MESH_CHECK });
  if (!probe.ok) return probe;
  const version = /Version: (\S+)/.exec(probe.output)?.[1] ?? 'of unknown version';
  const reason = `root, Nebula ${version} and tunnel devices are here: nodes are network namespaces, the mesh is real`;
  const { homelabName = 'nebula.knowledgedump.space', lighthouse = '10.100.0.1/16' } = options;
  return { host: createMeshHost({ reason, nebula, nebulaCert: programs.nebulaCert, homelabName, lighthouse }) };
};

const trySandbox = async (_options: NodeHostOptions, because: string): Promise<Attempt> => {
  let why = '';
  for (const overlay of [true, false]) {
    const probe = await probeCell({ overlay, tun: false, script: NODE_CHECK });
    if (probe.ok) {
      const how = overlay ? 'under overlays' : 'read-only';
      const reason = `nodes are namespaces that see this machine's programs ${how}; their mesh is played${because}`;
      return { host: createSandboxHost({ reason, overlay }) };
    }
    why = probe.why;
  }
  return { why };
};

const play = async (_options: NodeHostOptions, because: string): Promise<Attempt> => ({
  host: createPlayedHost({ reason: `nodes are played, nothing is executed${because}` }),
});

const ATTEMPTS: Readonly<Record<Kind, (options: NodeHostOptions, because: string) => Promise<Attempt>>> = {
  mesh: tryMesh,
  sandbox: trySandbox,
  played: play,
};

const kindAskedFor = (options: NodeHostOptions): Kind | undefined => {
  const asked = options.kind ?? process.env.CARRIERARR_NODE_HOST ?? 'auto';
  if (asked === 'auto') return undefined;
  const kind = KINDS.find((known) => known === asked);
  if (kind !== undefined) return kind;
  throw new ConfigurationError({
    what: 'unknown kind of node host in CARRIERARR_NODE_HOST',
    got: asked,
    allowed: [...KINDS, 'auto'].join(', '),
    remedy: 'unset the variable to let the machine decide',
  });
};

/**
 * Picks the best way in which this machine can play EC2 instances. It tries them rather than asking what system this
 * is, best first.
 * @throws ConfigurationError where the kind asked for cannot be had, saying why.
 */
export const createNodeHost = async (options: NodeHostOptions = {}): Promise<LocalNodeHost> => {
  const kind = kindAskedFor(options);
  let because = '';
  for (const candidate of kind === undefined ? KINDS : [kind]) {
    const attempt = await ATTEMPTS[candidate](options, because);
    if ('host' in attempt) return attempt.host;
    because += ` (no ${candidate}: ${attempt.why})`;
  }
  throw new ConfigurationError({
    what: `this machine cannot play nodes as asked${because}`,
    got: kind ?? 'auto',
    remedy: 'unset CARRIERARR_NODE_HOST to let the machine decide',
  });
};
