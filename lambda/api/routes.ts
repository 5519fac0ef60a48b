import * as z from 'zod';
import {
  type ProvisionAnswer,
  type TeardownAnswer,
  TeardownRequest,
  type WorkerList,
  WorkerName,
  type WorkerRow,
} from '#contract';
import type { Registry } from '../registry/port.ts';
import { viewWorker } from '../registry/view-worker.ts';
import { requestTeardown } from '../shared/doors/request-teardown.ts';
import { requestWorker, type WorkerPorts } from '../shared/doors/request-worker.ts';
import { RequestError } from '../shared/errors.ts';
import { parseInput } from '../shared/input.ts';
import type { ProxyAnswer, ProxyRequest, Route } from '../shared/proxy.ts';

export interface ApiPorts extends WorkerPorts {
  readonly registry: WorkerPorts['registry'] & Pick<Registry, 'list'>;
}

const Flag = z.enum(['true', 'false']).optional();
const ListQuery = z.strictObject({ all: Flag });
const NoQuery = z.strictObject({});
const DeleteQuery = z.strictObject({ generation: z.string().optional(), deregisterAmi: Flag });
const Named = z.object({ name: WorkerName });

const notFound = (name: string, got: string): RequestError =>
  new RequestError(404, {
    what: `worker ${name} is not there`,
    got,
    allowed: 'a worker of this fleet: GET /workers lists them',
    remedy: 'check the name, or create the worker with POST /workers',
  });

const postWorker = async (ports: ApiPorts, { body, query }: ProxyRequest): Promise<ProxyAnswer> => {
  parseInput(NoQuery, query);
  const { outcome, row } = await requestWorker(ports, body);
  const { name, address, generation, owner, phase } = row;
  const answer: ProvisionAnswer = { name, address, generation, execution: owner, phase };
  // Relative to the collection, so that it holds under any stage and domain.
  const headers = { location: `workers/${name}` };
  return { status: outcome === 'started' ? 202 : 200, body: answer, headers };
};

const listWorkers = async ({ registry }: ApiPorts, { query }: ProxyRequest): Promise<ProxyAnswer> => {
  const { all } = parseInput(ListQuery, query);
  const shown = (row: WorkerRow) => all === 'true' || row.phase !== 'REMOVED';
  const body: WorkerList = { workers: (await registry.list()).filter(shown).map(viewWorker) };
  return { status: 200, body };
};

const getWorker = async ({ registry }: ApiPorts, { parameters, query }: ProxyRequest): Promise<ProxyAnswer> => {
  parseInput(NoQuery, query);
  const { name } = parseInput(Named, parameters);
  const row = await registry.find(name);
  if (row === undefined) throw notFound(name, 'no such worker');
  return { status: 200, body: viewWorker(row) };
};

const deleteWorker = async (ports: ApiPorts, { parameters, query }: ProxyRequest): Promise<ProxyAnswer> => {
  const { generation, deregisterAmi } = parseInput(DeleteQuery, query);
  const { name } = parseInput(Named, parameters);
  const request = { name, generation, deregisterAmi: deregisterAmi === 'true' };
  const why = { reason: 'requested', text: 'asked for by DELETE /workers' } as const;
  const result = await requestTeardown(ports, parseInput(TeardownRequest, request), why);
  if (result.outcome === 'absent') throw notFound(name, 'no such worker');
  if (result.outcome === 'removed') {
    const over = generation !== undefined && generation !== result.row.generation;
    throw notFound(name, over ? `generation ${generation} is over` : `removed at ${result.row.removedAt}`);
  }
  const { row, execution } = result;
  const answer: TeardownAnswer = { name, generation: row.generation, execution };
  return { status: 202, body: answer };
};

/** The API of the workers. */
export const workerRoutes = (ports: ApiPorts): readonly Route[] => [
  { method: 'POST', path: '/workers', handle: (request) => postWorker(ports, request) },
  { method: 'GET', path: '/workers', handle: (request) => listWorkers(ports, request) },
  { method: 'GET', path: '/workers/{name}', handle: (request) => getWorker(ports, request) },
  { method: 'DELETE', path: '/workers/{name}', handle: (request) => deleteWorker(ports, request) },
];
