import { ConfigurationError } from '#shared/errors.ts';
import type { LocalNodeHost } from './host.ts';
import { createPlayedHost } from './played/played-host.ts';
import { probeCell } from './sandbox/probe.ts';
import { createSandboxHost } from './sandbox/sandbox-host.ts';

type Kind = LocalNodeHost['kind'];

export interface NodeHostOptions {
  /** @default - environment variable CARRIERARR_NODE_HOST, else the best this machine can do */
  readonly kind?: Kind;
}

const KINDS: readonly Kind[] = ['mesh', 'sandbox', 'played'];

/** Needed by the scripts that run on a node, whatever plays it. */
const SCRIPT_NEEDS = `
set -eu
for program in bash curl jq flock ip sha256sum base64 od; do
  command -v "$program" >/dev/null || { echo "no $program" >&2; exit 1; }
done
curl --help all | grep -q aws-sigv4 || { echo 'curl older than 7.75' >&2; exit 1; }
touch /etc/probe /usr/local/bin/probe /var/lib/probe /run/probe
`;

type Attempt = { readonly host: LocalNodeHost } | { readonly why: string };

const trySandbox = async (because: string): Promise<Attempt> => {
  const whys: string[] = [];
  for (const overlay of [true, false]) {
    const probe = await probeCell({ overlay, tun: false, script: SCRIPT_NEEDS });
    const how = overlay ? 'overlays over' : 'read-only mounts of';
    if (probe.ok) {
      const reason = `namespaces with ${how} this machine's programs; the mesh is played${because}`;
      return { host: createSandboxHost({ reason, overlay }) };
    }
    whys.push(probe.why);
  }
  return { why: whys.at(-1) ?? '' };
};

const play = (because: string): Attempt => ({
  host: createPlayedHost({ reason: `nothing is executed, nodes are played${because}` }),
});

const chosen = (options: NodeHostOptions): Kind | undefined => {
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
  const kind = chosen(options);
  const attempts: Record<Kind, (because: string) => Promise<Attempt>> = {
    mesh: async () => ({ why: 'not built' }),
    sandbox: trySandbox,
    played: async (because) => play(because),
  };
  let because = '';
  for (const candidate of kind === undefined ? KINDS : [kind]) {
    const attempt = await attempts[candidate](because);
    if ('host' in attempt) return attempt.host;
    because += `; no ${candidate}: ${attempt.why}`;
  }
  throw new ConfigurationError({
    what: `this machine cannot play nodes as asked${because}`,
    got: kind ?? 'auto',
    remedy: 'unset CARRIERARR_NODE_HOST to let the machine decide',
  });
};
