import * as z from 'zod';
import { ServiceUnavailableError } from '#shared/errors.ts';
import { type Io, paint } from '../../cli/index.ts';

const Node = z.looseObject({
  worker: z.string(),
  state: z.string(),
  health: z.string().default('unknown'),
  agent_version: z.string().default(''),
  gpu_count: z.number().default(0),
});
const Nodes = z.array(Node);

/** What one agent reports, in a line. */
const lineOf = ({ worker, state, health, agent_version: version, gpu_count: gpus }: z.output<typeof Node>): string => {
  const feels = health.replace('HEALTH_STATE_', '').toLowerCase();
  return `${worker}: ${state}, ${feels}${gpus > 0 ? `, ${gpus} GPU` : ''} (agent ${version})`;
};

const get = async (url: string): Promise<Response> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (answer.ok) return answer;
  const got = `${answer.status} ${await answer.text()}`;
  throw new ServiceUnavailableError({ what: `${url} does not answer`, got, remedy: 'read the logs; they are kept' });
};

/** Shows what the control plane hears of the workers' agents, and that its page answers. @throws if it does not */
export const showPage = async (page: string | undefined, io: Io, workers: readonly string[]): Promise<void> => {
  if (page === undefined) {
    io.out.write('  no page: nodes of this kind execute nothing, so there are no agents\n');
    return;
  }
  const html = await (await get(`${page}/`)).text();
  if (!html.includes('<html')) {
    const facts = { what: `${page}/ is no page`, got: html.slice(0, 200), remedy: 'read the logs; they are kept' };
    throw new ServiceUnavailableError(facts);
  }
  const nodes = Nodes.parse(await (await get(`${page}/api/v1/nodes`)).json());
  for (const node of nodes) io.out.write(`  ${paint(io.out, 'green', '✓')} ${lineOf(node)}\n`);
  const silent = workers.filter((name) => !nodes.some(({ worker, state }) => worker === name && state === 'online'));
  if (silent.length > 0) {
    const facts = { what: 'the control plane does not hear an agent', got: silent.join(', ') };
    throw new ServiceUnavailableError({ ...facts, remedy: 'read the logs; they are kept' });
  }
  io.out.write(`  ${paint(io.out, 'green', '✓')} the page shows it live: ${paint(io.out, 'bold', `${page}/`)}\n`);
};
