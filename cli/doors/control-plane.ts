import * as z from 'zod';
import { NodeSummaryView, NodeView } from '../../agent/control-plane/views.ts';

/** What the homelab's control plane says of the agents, or why it says nothing. */
export interface Agents {
  readonly url: string;
  readonly nodes: readonly (NodeSummaryView | NodeView)[];
  /** Why nothing is known; undefined where it answered. */
  readonly silence: string | undefined;
}

/** Whoever looks at the fleet does not wait for a homelab that is off the net. */
const LIMIT_MILLISECONDS = 2_000;

const endpoint = (url: string, path: string): URL => new URL(`api/v1/${path}`, url.endsWith('/') ? url : `${url}/`);

const get = async <T extends z.ZodType>(url: URL, schema: T, signal: AbortSignal): Promise<z.output<T>> => {
  const answer = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (!answer.ok) {
    await answer.body?.cancel();
    throw new TypeError(`it answered ${answer.status}`);
  }
  return schema.parse(await answer.json());
};

const reasonOf = (error: unknown, milliseconds: number): string => {
  if (error instanceof z.ZodError || error instanceof SyntaxError) return 'it does not answer as a control plane does';
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${milliseconds / 1000} s`;
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
};

/** The agent of a worker: by its name, or by its mesh address where a known agent does not say a name. */
export const agentOf = <T extends NodeSummaryView>(
  nodes: readonly T[],
  { name, generation, address }: { readonly name: string; readonly generation: string; readonly address: string },
): T | undefined => {
  const isIts = (node: T): boolean =>
    node.worker === '' ? node.nebula_ip === address : node.worker === name && isOfLife(node, generation);
  return nodes
    .filter((node) => node.state !== 'gone' && isIts(node))
    .toSorted((one, other) => other.last_seen.localeCompare(one.last_seen))[0];
};

const isOfLife = (node: NodeSummaryView, generation: string): boolean =>
  node.generation === '' || node.generation === generation;

/**
 * Asks what agents report. Never throws: a control plane that does not answer costs a line.
 * @param worker - all about the agent of this one, instead of a little about each
 */
export const askControlPlane = async (
  url: string,
  worker?: Parameters<typeof agentOf>[1],
  milliseconds = LIMIT_MILLISECONDS,
): Promise<Agents> => {
  const signal = AbortSignal.timeout(milliseconds);
  try {
    const nodes = await get(endpoint(url, 'nodes'), z.array(NodeSummaryView), signal);
    const agent = worker && agentOf(nodes, worker);
    if (agent === undefined) return { url, nodes, silence: undefined };
    const node = await get(endpoint(url, `nodes/${encodeURIComponent(agent.id)}`), NodeView, signal);
    return { url, nodes: [node], silence: undefined };
  } catch (error) {
    return { url, nodes: [], silence: reasonOf(error, milliseconds) };
  }
};
