import { type ClusterServer, type FleetSettings, NO_SERVER, type Worker } from '#contract';
import { certificateToPem } from '../../../../lambda/identity/certificate/index.ts';
import { createIssuer } from '../../../../lambda/identity/issuer.ts';
import { createKeySigner } from '../../../../lambda/identity/key-signer.ts';
import type { IdentityPorts } from '../../../../lambda/identity/ports.ts';
import type { Registry } from '../../../../lambda/registry/port.ts';
import { createManualClock, createMemoryRegistry, type ManualClock } from '../../../fake/memory-registry.ts';
import { aReservation, launchFacts, type ReservationOverrides } from '../../../fake/registry-builders.ts';
import { NOW, type TestAuthority, testAuthority } from './authority.ts';
import { createFakeSecrets, type FakeSecrets } from './fake-secrets.ts';
import { settings as seedSettings } from './settings.ts';

export interface TestFleet extends IdentityPorts {
  readonly registry: Registry;
  readonly secrets: FakeSecrets;
  readonly clock: ManualClock;
  readonly authority: TestAuthority;
}

/** The ports of the identity operations over fakes that keep state. */
export const testFleet = (
  overrides: { settings?: Partial<FleetSettings>; authority?: TestAuthority; agentKeys?: string } = {},
): TestFleet => {
  const authority = overrides.authority ?? testAuthority();
  const settings = seedSettings(overrides.settings);
  const clock = createManualClock(NOW.toISOString());
  const issuer = createIssuer(
    createKeySigner(authority.rawKey),
    certificateToPem(authority.certificate),
    settings.mesh,
  );
  return {
    authority,
    settings,
    clock,
    issuer: async () => issuer,
    agentKeys: async () => overrides.agentKeys,
    registry: createMemoryRegistry({ clock }),
    secrets: createFakeSecrets(),
  };
};

export interface ReservedWorker {
  readonly worker: Worker;
  readonly execution: string;
  readonly server: ClusterServer;
}

export const reserveWorker = async (
  { registry }: Pick<TestFleet, 'registry'>,
  name: string,
  worker: ReservationOverrides['worker'] = {},
): Promise<ReservedWorker> => {
  const { row } = await registry.reserve(aReservation(name, { worker }));
  return { worker: row, execution: row.owner, server: NO_SERVER };
};

/** Takes an identified worker on to READY. */
export const makeReady = async ({ registry }: Pick<TestFleet, 'registry'>, { worker, execution }: ReservedWorker) => {
  const life = { name: worker.name, generation: worker.generation, execution };
  const attempt = await registry.beginLaunch(life);
  await registry.recordLaunch(life, attempt, launchFacts());
  for (const phase of ['BOOTED', 'MESHED', 'READY'] as const) await registry.advance(life, phase);
  return life;
};
