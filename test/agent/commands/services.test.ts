import { describe, expect, it } from 'vitest';
import { CommandType } from '../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import type { Ran } from '../../../agent/worker/ports.ts';
import { aRunner, done } from '../support/a-runner.ts';
import { aGpuWorker, aUnit, type FakeNode, noUnit, ran } from '../support/fake-node.ts';

describe('RESTART_SERVICE', () => {
  const aNode = (before: string, after = before, restart: Ran = ran()): FakeNode => {
    const node = aGpuWorker();
    const shown = [before, after];
    node.program('systemctl show', () => ran(shown.shift()));
    node.program('systemctl restart', restart);
    return node;
  };

  it('restarts what the node has, looks whether it runs, and reports', async () => {
    const node = aNode(aUnit('ollama'));
    const { run, reports } = aRunner(node);

    expect(await run(CommandType.RESTART_SERVICE, { service: 'ollama' })).toMatchObject({
      success: true,
      stdout: 'ollama: active (running)',
    });
    expect(done(node)).toEqual(['systemctl restart ollama.service']);
    expect(reports).toEqual(['soon']);
  });

  it('refuses what the node does not have', async () => {
    const node = aNode(noUnit('k3s'));

    expect(await aRunner(node).run(CommandType.RESTART_SERVICE, { service: 'k3s' })).toMatchObject({
      exitCode: 64,
      error: 'this node has no k3s',
    });
    expect(done(node)).toEqual([]);
  });

  it('fails where systemctl is content and the service does not run', async () => {
    const node = aNode(
      aUnit('nebula'),
      aUnit('nebula', { ActiveState: 'inactive', SubState: 'dead', ConditionResult: 'no' }),
    );

    expect(await aRunner(node).run(CommandType.RESTART_SERVICE, { service: 'nebula' })).toMatchObject({
      success: false,
      exitCode: 1,
      error: 'nebula does not run: inactive (dead), a condition of its unit is not met',
    });
  });

  it('fails with the words of systemctl', async () => {
    const failed = aUnit('k3s-agent', { ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' });
    const node = aNode(aUnit('k3s-agent'), failed, ran('', 1, 'Job for k3s-agent.service failed.\n'));

    expect(await aRunner(node).run(CommandType.RESTART_SERVICE, { service: 'k3s-agent' })).toMatchObject({
      error:
        'k3s-agent does not run: failed (failed), result exit-code; systemctl ended with 1: Job for k3s-agent.service failed.',
    });
  });
});
