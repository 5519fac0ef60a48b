import { describe, expect, it } from 'vitest';
import { CommandType } from '../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { aRunner, done } from '../support/a-runner.ts';
import { aGpuWorker, ran } from '../support/fake-node.ts';

describe('a command', () => {
  it('that nobody knows is refused with those that are known', async () => {
    const { run } = aRunner();

    expect(await run(99 as CommandType)).toMatchObject({
      commandId: 'c-1',
      success: false,
      exitCode: 64,
      error:
        'unknown command 99: this agent knows SHUTDOWN, REBOOT, DRAIN, PULL_MODEL, UNLOAD_MODEL, EXEC, UPDATE_CONFIG, RESTART_SERVICE',
    });
  });

  it.each([
    [CommandType.SHUTDOWN, { delay: '-1' }, 'delay: must be a whole number from 0 to 1440 (arguments: delay)'],
    [CommandType.SHUTDOWN, { delay: '1; reboot' }, 'delay: must be a whole number from 0 to 1440 (arguments: delay)'],
    [CommandType.REBOOT, { delay: '1441' }, 'delay: must be a whole number from 0 to 1440 (arguments: delay)'],
    [CommandType.REBOOT, { now: 'yes' }, 'unknown argument now (arguments: delay)'],
    [CommandType.DRAIN, { shutdown: 'perhaps' }, 'shutdown: must be yes or no (arguments: shutdown)'],
    [
      CommandType.RESTART_SERVICE,
      { service: 'sshd' },
      'service: must be one of ollama, nebula, k3s, k3s-agent (arguments: service)',
    ],
    [CommandType.RESTART_SERVICE, {}, 'service: must be one of ollama, nebula, k3s, k3s-agent (arguments: service)'],
    [
      CommandType.PULL_MODEL,
      { model: '../../etc/passwd' },
      'model: is no model name such as llama3.2:3b (arguments: model)',
    ],
    [
      CommandType.PULL_MODEL,
      { model: 'a"},{"model":"b' },
      'model: is no model name such as llama3.2:3b (arguments: model)',
    ],
    [CommandType.UNLOAD_MODEL, { model: 'a\nb' }, 'model: is no model name such as llama3.2:3b (arguments: model)'],
    [CommandType.UPDATE_CONFIG, {}, 'there is no value to change'],
  ])('%s with %j is refused, and nothing is run', async (type, args, error) => {
    const { node, run } = aRunner();

    expect(await run(type, args)).toMatchObject({ success: false, exitCode: 64, error });
    expect(done(node)).toEqual([]);
    expect(node.questions).toEqual([]);
  });

  it('whose time is over says so', async () => {
    const node = aGpuWorker();
    node.program('/usr/local/lib/carrierarr/drain.sh', ran('', 143, 'pods left\n'));
    const { run } = aRunner(node);
    const over = AbortSignal.abort(new DOMException('late', 'TimeoutError'));

    expect(await run(CommandType.DRAIN, {}, over)).toMatchObject({
      exitCode: 124,
      error: "the command's time was over; drain ended with 143: pods left",
    });
  });

  it('that the end of the agent cuts short says so', async () => {
    const node = aGpuWorker();
    node.program('/usr/local/lib/carrierarr/drain.sh', ran('', 143));

    const result = await aRunner(node).run(CommandType.DRAIN, {}, AbortSignal.abort(new Error('stop')));

    expect(result).toMatchObject({ exitCode: 143, error: 'the agent ends; drain ended with 143: no output' });
  });

  it('hands on what its program printed, bounded and without what moves a terminal', async () => {
    const node = aGpuWorker();
    node.program('/usr/local/lib/carrierarr/drain.sh', ran(`\u001b[2J${'x'.repeat(40_000)}\u0000\ttail\r\n`));

    const { stdout = '' } = await aRunner(node).run(CommandType.DRAIN);

    expect(stdout).toMatch(/^\[\d+ characters left out\]\nx+\ttail\n$/);
    expect(stdout.length).toBeLessThan(33_000);
  });
});

describe('SHUTDOWN and REBOOT', () => {
  it('end what works for others, then power off in a minute', async () => {
    const node = aGpuWorker();
    node.program('systemctl', ran());
    node.program('shutdown', ran('', 0, 'Shutdown scheduled\n'));
    const { run } = aRunner(node);

    expect(await run(CommandType.SHUTDOWN)).toMatchObject({
      success: true,
      exitCode: 0,
      stderr: 'Shutdown scheduled\n',
    });
    expect(node.commands).toEqual([
      'systemctl stop ollama.service',
      'systemctl stop k3s-agent.service',
      'shutdown -h +1 Carrierarr: the control plane asked for it',
    ]);
  });

  it('power off although a service does not stop, and tell which', async () => {
    const node = aGpuWorker();
    node.program('systemctl', ([, , unit]) => (unit === 'ollama.service' ? ran('', 124) : ran('', 5, 'not loaded')));
    node.program('shutdown', ran());

    expect(await aRunner(node).run(CommandType.SHUTDOWN, { delay: '5' })).toMatchObject({
      success: true,
      stderr: 'did not stop: ollama.service',
    });
    expect(node.commands.at(-1)).toMatch(/^shutdown -h \+5 /);
  });

  it('at once let the result leave first', async () => {
    const node = aGpuWorker();
    node.program('shutdown', ran());
    const { run, clock } = aRunner(node);

    expect(await run(CommandType.REBOOT, { delay: '0' })).toMatchObject({ success: true, stdout: 'now' });
    expect(node.commands).toEqual([]);

    await clock.advance(2000);
    expect(node.commands).toEqual(['shutdown -r now Carrierarr: the control plane asked for it']);
  });

  it('fail where systemd takes no appointment', async () => {
    const node = aGpuWorker();
    node.program('shutdown', ran('', 1, 'Failed to connect to bus\n'));

    expect(await aRunner(node).run(CommandType.REBOOT)).toMatchObject({
      success: false,
      exitCode: 1,
      error: 'shutdown ended with 1: Failed to connect to bus',
    });
  });
});

describe('DRAIN', () => {
  const PROGRAM = '/usr/local/lib/carrierarr/drain.sh';

  it.each([
    [0, '120'],
    [60, '35'],
    [20, '10'],
    [300, '270'],
  ])('of %d s gives the pods %s', async (timeout, seconds) => {
    const node = aGpuWorker();
    node.program(PROGRAM, ran('gone\n'));

    const result = await aRunner(node).run(CommandType.DRAIN, {}, undefined, timeout);

    expect(result).toMatchObject({ success: true, stdout: 'gone\n' });
    expect(node.commands).toEqual([`${PROGRAM} ${seconds}`]);
  });

  it('powers off only where it was asked to and no pod is left', async () => {
    const node = aGpuWorker();
    node.program('systemctl', ran());
    node.program('shutdown', ran());
    const { run } = aRunner(node);
    node.program(PROGRAM, ran('', 3, 'pods left after 120 s:\nwork/one\n'));
    expect(await run(CommandType.DRAIN, { shutdown: 'yes' })).toMatchObject({ success: false, exitCode: 3 });
    expect(node.commands).toHaveLength(1);

    node.program(PROGRAM, ran('gone\n'));
    expect(await run(CommandType.DRAIN, { shutdown: 'yes' })).toMatchObject({ success: true });
    expect(node.commands.at(-1)).toMatch(/^shutdown -h \+1 /);
  });

  it('says where the image has no such program', async () => {
    expect(await aRunner().run(CommandType.DRAIN)).toMatchObject({
      exitCode: 127,
      error: `${PROGRAM} is not in this image`,
    });
  });
});

describe('UPDATE_CONFIG', () => {
  it('takes new values and tells those in force', async () => {
    const { run, changes } = aRunner();

    const result = await run(CommandType.UPDATE_CONFIG, { status_interval_sec: '10', idle_shutdown_minutes: '0' });

    expect(changes).toEqual([{ statusSeconds: 10, idleShutdownMinutes: 0, source: 'UPDATE_CONFIG' }]);
    expect(JSON.parse(result.stdout ?? '')).toEqual({
      heartbeat_interval_sec: 30,
      status_interval_sec: 10,
      idle_shutdown_minutes: 0,
    });
  });
});
