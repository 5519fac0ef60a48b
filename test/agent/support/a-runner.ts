import { create } from '@bufbuild/protobuf';
import { CommandSchema, type CommandType } from '../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { createCommandRunner } from '../../../agent/worker/commands/runner.ts';
import type { LiveValues, Settings } from '../../../agent/worker/ports.ts';
import { aGpuWorker, aSettings, FakeClock, type FakeNode } from './fake-node.ts';

export const OLLAMA = 'http://10.100.3.7:11434';

/** What runs commands on a fake node, and everything that it told its surroundings. */
export const aRunner = (node: FakeNode = aGpuWorker(), settings: Partial<Settings> = {}) => {
  const clock = new FakeClock();
  let values: LiveValues = { heartbeatSeconds: 30, statusSeconds: 30, idleShutdownMinutes: 0 };
  const reports: string[] = [];
  const changes: object[] = [];
  const live = {
    get values() {
      return values;
    },
    apply: (change: object, source: string) => {
      changes.push({ ...change, source });
      values = { ...values, ...JSON.parse(JSON.stringify(change)) };
      return values;
    },
  };
  const controls = { live, reportSoon: () => void reports.push('soon') };
  const runner = createCommandRunner(aSettings(settings), node, controls, clock);
  const run = (
    type: CommandType,
    args: Record<string, string> = {},
    signal = new AbortController().signal,
    timeoutSeconds = 0,
  ) => runner.run(create(CommandSchema, { commandId: 'c-1', type, args, timeoutSeconds }), signal);
  return { node, clock, run, reports, changes };
};

/** What was run to change something. */
export const done = (node: FakeNode) => node.commands.filter((command) => !command.startsWith('systemctl show'));
