import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  type Command,
  CommandResultSchema,
  CommandType,
  NodeStatusSchema,
} from '../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { idleShutdown } from '../../../agent/worker/idle-shutdown.ts';
import { Live } from '../../../agent/worker/live.ts';
import type { NodeTypeName } from '../../../agent/worker/ports.ts';
import { FakeClock, soon } from './support/clocks.ts';

const aWatch = (nodeType: NodeTypeName, success = true) => {
  const clock = new FakeClock();
  const live = new Live(() => {});
  const commands: Command[] = [];
  const events: string[] = [];
  const self = async (command: Command) => {
    commands.push(command);
    return create(CommandResultSchema, { success, error: success ? '' : 'shutdown: no' });
  };
  const watch = idleShutdown({
    settings: { nodeType },
    live,
    desk: { self },
    clock,
    log: (_, event) => events.push(event),
  });
  const seen = (idleSeconds: number): void => watch(create(NodeStatusSchema, { idleSeconds: BigInt(idleSeconds) }));
  return { clock, live, commands, events, seen };
};

describe('idle shutdown', () => {
  it('shuts the node down after the minutes that were allowed, and says so', () => {
    const { live, commands, events, seen } = aWatch('gpu-worker');
    live.apply({ idleShutdownMinutes: 30 }, 'test');

    seen(1799);
    const before = commands.length;
    seen(1800);
    seen(1830);

    expect(before).toBe(0);
    expect(commands).toMatchObject([{ type: CommandType.SHUTDOWN, commandId: 'idle-shutdown' }]);
    expect(events).toEqual(['idle shutdown']);
  });

  it.each([
    ['while it is off', 'gpu-worker', 0],
    ['on a lighthouse', 'lighthouse', 30],
  ] as const)('does nothing %s', (_, nodeType, idleShutdownMinutes) => {
    const { live, commands, seen } = aWatch(nodeType);
    live.apply({ idleShutdownMinutes }, 'test');

    seen(1_000_000);

    expect(commands).toEqual([]);
  });

  it('tries again after five minutes where the shutdown failed', async () => {
    const { clock, live, commands, events, seen } = aWatch('gpu-worker', false);
    live.apply({ idleShutdownMinutes: 30 }, 'test');

    seen(1800);
    await soon();
    seen(1830);
    await clock.advance(300_000);
    seen(2100);

    expect(commands).toHaveLength(2);
    expect(events).toContain('idle shutdown failed');
  });

  it('begins anew after the node was busy', () => {
    const { live, commands, seen } = aWatch('gpu-worker');
    live.apply({ idleShutdownMinutes: 30 }, 'test');

    seen(1800);
    seen(0);
    seen(1800);

    expect(commands).toHaveLength(2);
  });
});
