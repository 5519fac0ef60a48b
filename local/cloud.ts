import { bringUp, type Standing } from './bring-up.ts';
import type { RemovedResource } from './deploy/template.ts';
import type { Ec2Times } from './edge/ec2/instance.ts';
import type { Edge } from './edge/edge.ts';
import type { LocalNodeHost, RunningNode } from './node/host.ts';
import { dummyAws } from './process/environment.ts';
import { Teardown } from './process/teardown.ts';
import { clear, openSite, type Site } from './site.ts';
import { type StageEvent, Stages, type StageTiming } from './stages.ts';

export interface CloudOptions {
  /** Names the cloud's directory below `.carrierarr/clouds`; clouds of different names share nothing that changes. */
  readonly name: string;
  /** @default - the best this machine can do */
  readonly nodes?: LocalNodeHost['kind'];
  /** Layer over the app's configuration. */
  readonly config?: unknown;
  /** Factor on the seconds of the state machines' Wait states. @default 1 */
  readonly waitScale?: number;
  /** Environment of the homelab's control plane, such as shorter limits. @default - none beyond the deployment's */
  readonly controlPlane?: Readonly<Record<string, string>>;
  /** How long the emulated EC2 takes. @default - short but realistic */
  readonly times?: Ec2Times;
  /** Ends a start that is under way; everything begun by then is ended too. */
  readonly signal?: AbortSignal;
  readonly onStage?: (event: StageEvent) => void;
}

export interface Cloud {
  readonly name: string;
  readonly directory: string;
  readonly endpoint: string;
  readonly region: string;
  readonly fleet: string;
  /** Address of the control plane, whose page shows the fleet live; undefined where nodes execute nothing. */
  readonly page: string | undefined;
  /** What a shell or a program must set to reach this cloud and no other. */
  readonly environment: Readonly<Record<string, string>>;
  readonly nodes: { readonly kind: LocalNodeHost['kind']; readonly reason: string };
  /** What was left out of the templates, and why. */
  readonly removed: readonly RemovedResource[];
  readonly timings: readonly StageTiming[];
  readonly edge: Edge;
  /** The homelab's own node: whoever runs the cloud may ask it what its cluster says. */
  readonly homelab: RunningNode;
  /** Ends everything and removes the cloud's directory, unless its logs are to be kept. Idempotent. */
  stop(options?: { readonly keepLogs?: boolean }): Promise<void>;
}

const describe = (site: Site, standing: Standing, stages: Stages, teardown: Teardown): Cloud => {
  const { fleet, region } = site.configuration;
  const { edge, assembly, homelab, page, commandToken } = standing;
  return {
    name: site.name,
    directory: site.directory,
    endpoint: edge.url,
    region,
    fleet,
    page,
    environment: {
      ...dummyAws(edge.url, region),
      CARRIERARR_FLEET: fleet,
      ...(page !== undefined && { CARRIERARR_CONTROL_PLANE_URL: page, CARRIERARR_COMMAND_TOKEN: commandToken }),
    },
    nodes: { kind: site.host.kind, reason: site.host.reason },
    removed: assembly.removed,
    timings: stages.timings(),
    edge,
    homelab,
    stop: async ({ keepLogs = false } = {}) => {
      await teardown.run();
      await clear(site.directory, keepLogs);
    },
  };
};

/**
 * Brings up an embedded cloud with the fleet deployed in it.
 * @throws what failed, after everything begun by then was ended; the signal's reason when aborted
 */
export const startCloud = async (options: CloudOptions): Promise<Cloud> => {
  const { name, nodes, config, signal, waitScale = 1, times, controlPlane = {} } = options;
  const teardown = new Teardown();
  const abort = new AbortController();
  const forward = (): void => abort.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', forward, { once: true });
  const stages = new Stages(options.onStage ?? (() => undefined));
  let site: Site | undefined;
  try {
    site = await openSite({ name, nodes, config, teardown });
    const standing = await bringUp({ site, stages, teardown, abort, waitScale, times, controlPlane });
    return describe(site, standing, stages, teardown);
  } catch (error) {
    abort.abort(error);
    await teardown.run();
    // Whoever interrupts wants nothing left; whoever fails wants to read why.
    if (site !== undefined) await clear(site.directory, signal?.aborted !== true);
    throw error;
  } finally {
    signal?.removeEventListener('abort', forward);
  }
};
