import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { ServiceUnavailableError } from '#shared/errors.ts';
import type { Cloud } from '../cloud.ts';
import type { Leftover } from './leftovers.ts';

const List = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z
        .object({
          allocatable: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
          conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
        })
        .prefault({}),
    }),
  ),
});
type Item = z.output<typeof List>['items'][number];

const LIMIT_SECONDS = 20;

/** What the homelab's cluster says, asked on its own node; nothing where the homelab is played. */
const ask = async ({ nodes, homelab }: Cloud, what: string): Promise<Item[]> => {
  if (nodes.kind === 'played') return [];
  const { status, stdout, stderr } = await homelab.run({
    commandId: randomUUID(),
    script: `#!/bin/bash\nkubectl get ${what} -o json --request-timeout=10s\n`,
    environment: {},
    timeoutSeconds: LIMIT_SECONDS,
  });
  // Without Liqo its kinds are not known there.
  if (stderr.includes("doesn't have a resource type")) return [];
  if (status !== 'Success') {
    const facts = { what: `the homelab does not say its ${what}`, got: stderr, remedy: 'read the logs; they are kept' };
    throw new ServiceUnavailableError(facts);
  }
  return List.parse(JSON.parse(stdout)).items;
};

const VIRTUAL_NODES = 'nodes -l liqo.io/type=virtual-node';

/** A line for every node by which the homelab's cluster can use another's. */
export const virtualNodes = async (cloud: Cloud): Promise<string[]> =>
  (await ask(cloud, VIRTUAL_NODES)).map(({ metadata, status }) => {
    const ready = status.conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
    const capacity = Object.entries(status.allocatable).map(([resource, quantity]) => `${resource} ${quantity}`);
    return `${metadata.name} is ${ready ? 'Ready' : 'not ready'}: ${capacity.join(', ')}`;
  });

/** What a teardown may leave in the homelab's cluster. */
const TRACES: readonly [kind: string, what: string][] = [
  ['virtual nodes in the homelab', VIRTUAL_NODES],
  ['tenant namespaces in the homelab', 'namespaces -l liqo.io/tenant-namespace=true'],
  ['peerings of the homelab', 'foreignclusters.core.liqo.io'],
];

export const findTraces = (cloud: Cloud): Promise<Leftover[]> =>
  cloud.nodes.kind === 'played'
    ? Promise.resolve([])
    : Promise.all(
        TRACES.map(async ([kind, what]) => ({
          kind,
          ids: (await ask(cloud, what)).map(({ metadata }) => metadata.name),
        })),
      );
