import { createDynamoStore, type DynamoClient } from '../shared/aws/dynamodb.ts';
import { type AddressPorts, holdAddress } from './claim-address.ts';
import { findServer } from './claim-cluster.ts';
import { beginLaunch, recordLaunch } from './fence-launch.ts';
import { fence, markRemoved, nextTeardownAttempt, releaseAddress, releaseLease } from './lease-teardown.ts';
import { noteDead, noteIdle } from './note-observations.ts';
import { forgetOrphan, noticeOrphan } from './notice-orphans.ts';
import type { Registry } from './port.ts';
import { findCertificate, listCertificates, recordCertificate, revokeCertificates } from './record-certificates.ts';
import { reserveWorker } from './reserve-worker.ts';
import { type ExecutionItem, key, toRow } from './rows.ts';
import { commands } from './track-commands.ts';
import { advance, findRow, recordColdStart, recordFailure, recordIdentity } from './track-progress.ts';

/** The registry over any store. */
export const createRegistryOver = (ports: AddressPorts): Registry => {
  const { store } = ports;
  return {
    find: (name) => findRow(ports, name),
    list: async () => (await store.list('WORKER')).map(toRow).sort((a, b) => a.name.localeCompare(b.name)),
    byExecution: async (arn) => {
      const item = (await store.get(key.execution(arn))) as ExecutionItem | undefined;
      return item === undefined ? undefined : { name: item.name, generation: item.generation };
    },
    reserve: (reservation) => reserveWorker(ports, reservation),
    findServer: (cluster) => findServer(ports, cluster),
    holdAddress: (hold) => holdAddress(ports, hold),
    advance: (life, phase, details = {}) => advance(ports, life, phase, details),
    recordFailure: (life, failure) => recordFailure(ports, life, failure),
    recordColdStart: (life, coldStart) => recordColdStart(ports, life, coldStart),
    recordIdentity: (life, identity) => recordIdentity(ports, life, identity),
    beginLaunch: (life) => beginLaunch(ports, life),
    recordLaunch: (life, attempt, facts) => recordLaunch(ports, life, attempt, facts),
    ...commands(ports),
    fence: (life, holder, leaseSeconds) => fence(ports, life, holder, leaseSeconds),
    releaseLease: (life, holder) => releaseLease(ports, life, holder),
    nextTeardownAttempt: (life, why) => nextTeardownAttempt(ports, life, why),
    releaseAddress: (life) => releaseAddress(ports, life),
    markRemoved: (life, holder) => markRemoved(ports, life, holder),
    noteIdle: (life, before, after) => noteIdle(ports, life, before, after),
    noteDead: (life, health) => noteDead(ports, life, health),
    recordCertificate: (row) => recordCertificate(ports, row),
    findCertificate: (fingerprint) => findCertificate(store, fingerprint),
    listCertificates: (filter) => listCertificates(store, filter),
    revokeCertificates: (life) => revokeCertificates(ports, life),
    noticeOrphan: (id) => noticeOrphan(ports, id),
    forgetOrphan: (id) => forgetOrphan(store, id),
  };
};

export interface RegistryOptions extends Omit<AddressPorts, 'store'> {
  readonly client: DynamoClient;
  /** Name of the table: key `pk`, index `byKind` (`kind`, `pk`), time to live `ttl`. */
  readonly table: string;
}

/** The registry over its DynamoDB table. */
export const createRegistry = ({ client, table, ...ports }: RegistryOptions): Registry =>
  createRegistryOver({ ...ports, store: createDynamoStore(client, table) });
