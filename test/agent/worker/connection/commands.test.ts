import { afterEach, describe, expect, it } from 'vitest';
import { CommandType } from '../../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { until } from '../../../support/eventually.ts';
import { FakeControlPlane } from '../support/a-control-plane.ts';
import { anAgent } from '../support/an-agent.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const connected = async (run: NonNullable<Parameters<typeof anAgent>[1]>['run']) => {
  const plane = await new FakeControlPlane().listen();
  cleanUps.push(() => plane.close());
  const agent = anAgent(plane.port, run === undefined ? {} : { run });
  cleanUps.push(() => agent.stop());
  await agent.connected();
  await until('a status', () => plane.statuses.length > 0);
  return { plane, agent };
};

const REBOOT = { commandId: 'c1', type: CommandType.REBOOT };

describe('the result of a command', () => {
  it('goes up the stream, and once is enough where it is acknowledged', async () => {
    const { plane, agent } = await connected(async () => ({ success: true, stdout: 'in a minute' }));
    plane.command(REBOOT);
    await until('a result', () => plane.results.length === 1);

    plane.endStreams();
    await agent.connected(2);
    await until('a status', () => plane.order.lastIndexOf('status') > plane.order.lastIndexOf('register'));

    expect(plane.results).toMatchObject([{ commandId: 'c1', success: true, stdout: 'in a minute' }]);
  });

  it('is sent after the reconnect when the connection was lost meanwhile', async () => {
    let end = (): void => {};
    const { plane, agent } = await connected(
      () =>
        new Promise((resolve) => {
          end = () => resolve({ success: true });
        }),
    );
    plane.command(REBOOT);
    await until('the command', () => agent.count('command') === 1);
    for (const session of plane.sessions) session.destroy();
    await until('a loss', () => agent.count('disconnected') === 1);

    end();
    await agent.connected(2);

    await until('the result', () => plane.results.length === 1);
    const anew = plane.order.slice(plane.order.lastIndexOf('register'));
    expect(anew.indexOf('status')).toBeGreaterThan(0);
    expect(anew.indexOf('commandResult')).toBeGreaterThan(anew.indexOf('status'));
  });

  it('is sent again where nothing shows that it has arrived', async () => {
    const { plane, agent } = await connected(async () => ({ success: true }));
    plane.acknowledges = false;
    plane.heartbeat = () => new Promise(() => {});
    plane.command(REBOOT);
    await until('a result', () => plane.results.length === 1);

    plane.endStreams();
    await agent.connected(2);

    await until('the result again', () => plane.results.length === 2);
  });

  it('has arrived where a later heartbeat was answered: known control planes acknowledge nothing', async () => {
    const { plane, agent } = await connected(async () => ({ success: true }));
    plane.acknowledges = false;
    plane.command(REBOOT);
    await until('a result', () => plane.results.length === 1);
    const { heartbeats } = plane;
    await until('heartbeats', () => plane.heartbeats > heartbeats + 2);

    plane.endStreams();
    await agent.connected(2);
    await until('a status', () => plane.order.lastIndexOf('status') > plane.order.lastIndexOf('register'));

    expect(plane.results).toHaveLength(1);
  });
});
