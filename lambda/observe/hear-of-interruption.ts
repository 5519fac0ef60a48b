import { requestTeardown } from '../shared/doors/request-teardown.ts';
import type { Observed, ObservePorts } from './ports.ts';

/**
 * Spot takes an instance back in two minutes. Where it is a ready worker's its teardown begins now: it leaves its cluster
 * while it can still speak, and does not stay READY without an instance. A worker that is still being made is its
 * provision's business. The event tells of every instance of the account; the registry says which is ours.
 */
export const hearOfInterruption = async (
  ports: ObservePorts,
  { instanceId, action }: { readonly instanceId: string; readonly action: string },
): Promise<Observed> => {
  const listed = (await ports.registry.list()).find((row) => row.instanceId === instanceId && row.phase === 'READY');
  const row = listed && (await ports.registry.find(listed.name));
  if (row === undefined || row.instanceId !== instanceId || row.phase !== 'READY') {
    return { action: 'ignored', reason: `${instanceId} is no ready worker's` };
  }
  const { name, generation } = row;
  const text = `Spot takes ${instanceId} back (${action})`;
  const teardown = await requestTeardown(ports, { name, generation }, { reason: 'spot-interruption', text });
  if (teardown.outcome !== 'started') return { action: 'earlier', reason: `teardown is ${teardown.outcome}`, name };
  return { action: 'teardown', reason: text, name, execution: teardown.execution };
};
