import { create } from '@bufbuild/protobuf';
import { CommandDesk } from '../../../../agent/control-plane/commands/desk.ts';
import { Audit } from '../../../../agent/control-plane/store/audit.ts';
import { CommandStore } from '../../../../agent/control-plane/store/command-store.ts';
import { openDatabase } from '../../../../agent/control-plane/store/database.ts';
import { CommandResultSchema, type ControlMessage } from '../../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { FakeClock } from './fake-clock.ts';

export class FakeOutlet {
  readonly sent: ControlMessage[] = [];
  readonly knowsIds: boolean;
  full = false;
  constructor(knowsIds = true) {
    this.knowsIds = knowsIds;
  }
  send(message: ControlMessage): boolean {
    if (!this.full) this.sent.push(message);
    return !this.full;
  }
  commands(): string[] {
    return this.sent.flatMap(({ payload }) => (payload.case === 'command' ? [payload.value.commandId] : []));
  }
  acks(): string[] {
    return this.sent.flatMap(({ payload }) => (payload.case === 'ack' ? [payload.value.messageId] : []));
  }
}

export const DRAIN = { type: 'DRAIN', args: { force: 'no' }, timeoutSeconds: 60, source: '10.0.0.1' } as const;
export const NODE = 'node-1';

export const aDesk = () => {
  const clock = new FakeClock();
  const database = openDatabase(
    ':memory:',
    () => {},
    () => clock.now(),
  );
  const audit = new Audit(database, () => clock.now(), 90);
  const start = () =>
    new CommandDesk({
      ...{ clock, store: new CommandStore(database), audit, count: () => {} },
      log: (level, event) => void (level === 'error' && lines.push(event)),
    });
  const lines: string[] = [];
  /** A disk that is full, or whose volume went read-only, and one that is well again. */
  const setDisk = (state: 'full' | 'well') => database.exec(`PRAGMA query_only = ${state === 'full' ? 1 : 0}`);
  const told = (commandId: string) =>
    audit
      .list({ limit: 100, commandId })
      .map(({ event }) => event)
      .reverse();
  const last = () => audit.list({ limit: 1 })[0];
  return { clock, audit, start, told, last, lines, setDisk, desk: start() };
};

export const result = (commandId: string, overrides = {}) =>
  create(CommandResultSchema, { commandId, success: true, stdout: 'drained', ...overrides });
