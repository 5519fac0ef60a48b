import { describe, expect, it } from 'vitest';
import { PRIVATE_IP } from '../../ssm/fake-instance.ts';
import { ADDRESS } from '../../ssm/identity-builders.ts';
import { type NodeSandbox, sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { aBootedNode, aNode } from './support.ts';

const aUnit = async (lines: readonly string[]): Promise<NodeSandbox> => {
  const { node } = await aNode({ hurry: false });
  await node.stub('probe', 'echo "runs $* with $WHAT"; exec /bin/sleep infinity');
  await node.write(
    '/etc/systemd/system/probe.service',
    `[Service]\n${lines.join('\n')}\nExecStart=probe --to \${WHAT}\n`,
  );
  return node;
};

const said = (node: NodeSandbox): Promise<string> => node.shell('journalctl -u probe -o cat --no-pager');

describe.skipIf(sandboxObstacle !== undefined).concurrent('the stand-in for systemctl', () => {
  it('hands a program its environment and puts it into the command line', async () => {
    const node = await aUnit(['Environment=OTHER=1 WHAT=here', 'EnvironmentFile=-/etc/nowhere']);

    await node.shell('systemctl start probe');

    expect(await said(node)).toBe('runs --to here with here\n');
  });

  it('shows several properties of several units at once, also of one that is not there', async () => {
    const node = await aUnit(['RuntimeDirectory=probe']);
    await node.shell('systemctl start probe');

    const shown = await node.shell(
      'systemctl show --property=Id,LoadState,ActiveState,SubState,NRestarts,ActiveEnterTimestampMonotonic probe nobody; ls -d /run/probe',
    );

    expect(shown).toMatch(
      /^Id=probe.service\nLoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=0\nActiveEnterTimestampMonotonic=\d{6,}\n\nId=nobody.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nNRestarts=0\nActiveEnterTimestampMonotonic=0\n\/run\/probe\n$/,
    );
  });

  it('lets a file of settings have the last word', async () => {
    const node = await aUnit(['Environment=WHAT=here', 'EnvironmentFile=/etc/probe.env']);
    await node.write('/etc/probe.env', '# not this\nWHAT=there\n');

    await node.shell('systemctl start probe');

    expect(await said(node)).toBe('runs --to there with there\n');
  });

  it('does not start a unit whose file of settings is missing', async () => {
    const node = await aUnit(['EnvironmentFile=/etc/nowhere']);

    await expect(node.shell('systemctl start probe')).rejects.toThrow(/Job for probe.service failed/);
    expect(await said(node)).toContain('Failed to load environment files');
  });

  it('runs what comes before the program, and does not mind the failure of what may fail', async () => {
    const node = await aUnit(['Environment=WHAT=x', 'ExecStartPre=-/bin/false', 'ExecStartPre=/bin/echo before']);

    await node.shell('systemctl start probe');

    expect(await said(node)).toBe('before\nruns --to x with x\n');
  });

  it('starts nothing where what comes before the program fails', async () => {
    const node = await aUnit(['Environment=WHAT=x', 'ExecStartPre=/bin/false']);

    await expect(node.shell('systemctl start probe')).rejects.toThrow(/failed/);
    expect(await said(node)).toBe('probe.service: control process exited, status=1\n');
  });

  it('does not wait where it is told not to', async () => {
    const node = await aUnit(['Environment=WHAT=x', 'ExecStartPre=/bin/sleep 1']);

    expect(await node.shell('systemctl start --no-block probe; systemctl is-active probe || true')).toBe(
      'activating\n',
    );
    await node.until('[[ $(systemctl is-active probe) == active ]]');
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('the stand-ins of a node in a cluster', () => {
  it('ip tells the address that the metadata tell, and that of the mesh', async () => {
    const { node } = await aBootedNode();

    const addresses = await node.shell("ip -4 -o addr show | sed -n 's/.* inet \\([0-9.]*\\)\\/.*/\\1/p'");

    expect(addresses).toBe(`127.0.0.1\n${PRIVATE_IP}\n${ADDRESS}\n`);
  });

  it('nvidia-smi sees the GPU of the instance type', async () => {
    const { node, instance } = await aNode();
    instance.metadata.set('meta-data/instance-type', 'g4dn.xlarge');

    expect(await node.shell('nvidia-smi -L')).toMatch(/^GPU 0: Tesla T4 \(UUID: GPU-[0-9-]+\)\n$/);
    expect(await node.shell('nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader')).toMatch(
      /^Tesla T4, [0-9.]+, 15360 MiB\n$/,
    );
    await expect(node.shell('nvidia-smi --frobnicate')).rejects.toThrow(/exit code 2/);
  });

  it('nvidia-smi tells what is in use, and the knob what that is', async () => {
    const { node } = await aNode({ hurry: false });
    await node.write('/run/standins/gpus', 'Tesla T4, 580.159.03, 15360 MiB\n');
    const ask =
      'nvidia-smi --query-gpu=index,name,memory.used,memory.total,utilization.gpu,temperature.gpu --format=csv,noheader,nounits';

    const idle = await node.shell(ask);
    await node.write('/run/standins/gpus.use', '9000 97 71\n');

    expect(idle).toBe('0, Tesla T4, 3, 15360, 0, 34\n');
    expect(await node.shell(ask)).toBe('0, Tesla T4, 9000, 15360, 97, 71\n');
  });

  it('nvidia-smi fails as the real one does where there is no GPU', async () => {
    const { node, instance } = await aNode();
    instance.metadata.set('meta-data/instance-type', 't3.medium');

    const { code, stdout } = await node.run(['nvidia-smi']);

    expect(code).toBe(9);
    expect(stdout).toContain("couldn't communicate with the NVIDIA driver");
  });

  it('curl finds nobody where no wire leads, and leaves the loopback alone', async () => {
    const { node, instance } = await aNode({ environment: { STANDIN_WIRES: '/run/wires' } });

    const lost = await node.run(['curl', '--silent', '--show-error', 'http://10.100.2.9:11434/api/version']);
    const local = await node.run([
      'curl',
      '-s',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      `${instance.environment.CARRIERARR_IMDS}/latest/x`,
    ]);

    expect(lost).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('Failed to connect to 10.100.2.9 port 11434'),
    });
    expect(local).toMatchObject({ code: 0, stdout: '401' });
  });
});
