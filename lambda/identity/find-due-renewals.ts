import type { OperationInput, OperationOutput, WorkerRow } from '#contract';
import { type Fault, InputError } from '#shared/errors.ts';
import type { IdentityPorts } from './ports.ts';

type DuePorts = Pick<IdentityPorts, 'registry' | 'clock'>;

const isPastHalf = async ({ registry, clock }: DuePorts, row: WorkerRow): Promise<boolean> => {
  const certificate = await registry.findCertificate(row.certificateFingerprint ?? '');
  if (certificate === undefined) return true;
  const middle = (Date.parse(certificate.notBefore) + Date.parse(certificate.notAfter)) / 2;
  return clock.now().getTime() >= middle;
};

const everyDue = async (ports: DuePorts): Promise<WorkerRow[]> => {
  const ready = (await ports.registry.list()).filter(({ phase }) => phase === 'READY');
  const past = await Promise.all(ready.map((row) => isPastHalf(ports, row)));
  return ready.filter((_, index) => past[index]);
};

const notRenewable = (name: string, row: WorkerRow | undefined): Fault => ({
  field: 'names',
  what: 'no worker whose certificate can be renewed',
  got: row === undefined ? `${name}, unknown` : `${name}, in phase ${row.phase}`,
  allowed: 'names of workers in phase READY',
});

const named = async ({ registry }: DuePorts, names: readonly string[]): Promise<WorkerRow[]> => {
  const found = await Promise.all(names.map(async (name) => ({ name, row: await registry.find(name) })));
  const faults = found.filter(({ row }) => row?.phase !== 'READY').map(({ name, row }) => notRenewable(name, row));
  if (faults.length > 0) throw new InputError(faults, 'look at `carrierarr status` and name workers that are READY');
  return found.flatMap(({ row }) => (row === undefined ? [] : [row]));
};

/**
 * Who gets a new certificate: workers past half of their certificate's life, which leaves the other half for repeated
 * failures to be noticed in; or exactly the named ones.
 * @throws InputError when a named worker is not READY
 */
export const findDueRenewals = async (
  ports: DuePorts,
  { names }: OperationInput<'identity', 'due'>,
): Promise<OperationOutput<'identity', 'due'>> => {
  const rows = names.length === 0 ? await everyDue(ports) : await named(ports, [...new Set(names)]);
  return { due: rows.map(({ name, generation, instanceId }) => ({ name, generation, instanceId: instanceId ?? '' })) };
};
