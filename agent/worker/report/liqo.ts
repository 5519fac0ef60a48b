import * as z from 'zod/mini';
import { ServiceState } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import type { Clock, NodeTypeName, System } from '../ports.ts';
import { lastLine, oneLine } from '../text.ts';
import { type ServiceStatusInit, unknownService } from './units.ts';

const KUBECONFIG = '/etc/rancher/k3s/k3s.yaml';
const COMMAND = 'k3s kubectl --request-timeout=5s get pods --namespace liqo --output json'.split(' ');
const LIMIT_MS = 8000;
const MOST_BYTES = 4 * 1024 * 1024;
// kubectl costs a quarter of a second of a processor: seldom while all is well.
const WELL_MS = 300_000;
const UNWELL_MS = 60_000;

const text = z.catch(z.string(), '');
const container = z.object({
  ready: z.catch(z.boolean(), false),
  state: z.catch(z.object({ waiting: z.optional(z.object({ reason: text })) }), {}),
});
const status = z.object({ phase: text, containerStatuses: z.catch(z.array(container), []) });
const pod = z.object({
  metadata: z.object({ name: z.string() }),
  status: z.catch(status, { phase: '', containerStatuses: [] }),
});
const pods = z.object({ items: z.array(pod) });
type Pod = z.infer<typeof pod>;

const BROKEN = /BackOff|^Err|^Invalid|^CreateContainer/;
const isReady = ({ status }: Pod): boolean =>
  status.phase === 'Running' &&
  status.containerStatuses.length > 0 &&
  status.containerStatuses.every((each) => each.ready);
const isBroken = ({ status }: Pod): boolean =>
  status.phase === 'Failed' || status.containerStatuses.some(({ state }) => BROKEN.test(state.waiting?.reason ?? ''));
const names = (some: readonly Pod[]): string => oneLine(some.map(({ metadata }) => metadata.name).join(', '), 120);

/** Liqo's state by its pods, from `kubectl get pods --output json`. */
export const judgeLiqo = (text: string): ServiceStatusInit => {
  let items: readonly Pod[];
  try {
    items = pods.parse(JSON.parse(text)).items.filter(({ status }) => status.phase !== 'Succeeded');
  } catch {
    return unknownService('kubectl gave no list of pods');
  }
  const broken = items.filter(isBroken);
  const waiting = items.filter((pod) => !isReady(pod));
  if (items.length === 0) return { state: ServiceState.NOT_INSTALLED, message: 'no pod in namespace liqo' };
  if (broken.length > 0) return { state: ServiceState.ERROR, message: `not well: ${names(broken)}` };
  if (waiting.length > 0) return { state: ServiceState.STARTING, message: `not ready: ${names(waiting)}` };
  return { state: ServiceState.RUNNING, message: `${items.length} pods ready` };
};

/** Asks for Liqo where there is a server of k3s to ask; elsewhere Liqo cannot be. */
export const createLiqoProbe = (nodeType: NodeTypeName, system: System, clock: Clock) => {
  let last: { readonly status: ServiceStatusInit; readonly until: number } | undefined;

  const look = async (): Promise<ServiceStatusInit> => {
    if ((await system.readText(KUBECONFIG)) === undefined) return unknownService(`there is no ${KUBECONFIG} yet`);
    const ran = await system.run(COMMAND, {
      timeoutMs: LIMIT_MS,
      maxBytes: MOST_BYTES,
      environment: { KUBECONFIG },
    });
    return ran.code === 0
      ? judgeLiqo(ran.stdout)
      : unknownService(`kubectl ended with ${ran.code}: ${lastLine(ran.stderr)}`);
  };
  return async (): Promise<ServiceStatusInit> => {
    if (nodeType !== 'lighthouse') return { state: ServiceState.NOT_INSTALLED, message: 'no server of k3s here' };
    if (last !== undefined && clock.monotonic() < last.until) return last.status;
    const status = await look();
    const isWell = status.state === ServiceState.RUNNING || status.state === ServiceState.NOT_INSTALLED;
    last = { status, until: clock.monotonic() + (isWell ? WELL_MS : UNWELL_MS) };
    return status;
  };
};
