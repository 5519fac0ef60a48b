import { describe, expect, it } from 'vitest';
import { CommandType } from '../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { aRunner } from '../support/a-runner.ts';
import { aGpuWorker, ran } from '../support/fake-node.ts';

describe('EXEC', () => {
  it('is off, whatever its arguments are', async () => {
    const { node, run } = aRunner();

    expect(await run(CommandType.EXEC, { cmd: 'id', more: 'x' })).toMatchObject({
      success: false,
      exitCode: 126,
      error: 'EXEC is off on this node (WORKER_AGENT_EXEC=on switches it on)',
    });
    expect(node.commands).toEqual([]);
  });

  const switchedOn = () => {
    const node = aGpuWorker();
    const argvs: (readonly string[])[] = [];
    for (const program of ['echo', 'sleep']) {
      node.program(program, (argv, { timeoutMs }) => {
        argvs.push(argv);
        return program === 'sleep' && timeoutMs < 5000 ? ran('', 124) : ran('ok\n', 0, 'warned\n');
      });
    }
    return { ...aRunner(node, { exec: true }), argvs };
  };

  it('cuts cmd at blanks and gives nothing to a shell', async () => {
    const { run, argvs } = switchedOn();

    expect(await run(CommandType.EXEC, { cmd: 'echo  $HOME "a b"; id | sh' })).toMatchObject({
      success: true,
      stdout: 'ok\n',
      stderr: 'warned\n',
    });
    expect(argvs).toEqual([['echo', '$HOME', '"a', 'b";', 'id', '|', 'sh']]);
  });

  it('takes words with blanks as JSON', async () => {
    const { run, argvs } = switchedOn();

    await run(CommandType.EXEC, { argv: '["echo","a b"]' });

    expect(argvs).toEqual([['echo', 'a b']]);
  });

  it('ends with 124 where its time is over', async () => {
    const { run } = switchedOn();

    expect(await run(CommandType.EXEC, { cmd: 'sleep 60' }, undefined, 2)).toMatchObject({
      success: false,
      exitCode: 124,
      error: 'the time was over after 2 s',
    });
  });

  it.each([
    [{}, 'give either cmd or argv'],
    [{ cmd: 'a', argv: '["a"]' }, 'give either cmd or argv'],
    [{ cmd: '   ' }, 'there must be 1 to 64 words, the first of them a program'],
    [{ cmd: 'a '.repeat(65) }, 'there must be 1 to 64 words, the first of them a program'],
    [{ cmd: 'echo \u0000' }, 'cmd: must have no control characters (arguments: cmd, argv)'],
    [{ argv: 'echo a' }, 'argv: must be a JSON array of 1 to 64 words'],
    [{ argv: '[]' }, 'argv: must be a JSON array of 1 to 64 words'],
    [{ argv: '[1]' }, 'argv: must be a JSON array of 1 to 64 words'],
  ])('refuses %j', async (args, error) => {
    const { node, run } = switchedOn();

    expect(await run(CommandType.EXEC, args as Record<string, string>)).toMatchObject({ exitCode: 64, error });
    expect(node.commands).toEqual([]);
  });
});
