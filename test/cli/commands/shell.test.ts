import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SSMClient, StartSessionCommand } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mockClient } from '../../support/mock-client.ts';
import { aWorker } from '../support/builders.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';

const ssm = mockClient(SSMClient);
let fleet: DeployedFleet;
let folder: string;
beforeEach(async () => {
  ssm.reset();
  fleet = await deployedFleet();
  fleet.api.answer('GET /workers/gpu-1', { status: 200, body: aWorker({ name: 'gpu-1' }) });
  folder = await mkdtemp(join(tmpdir(), 'carrierarr-shell-'));
});
afterEach(async () => {
  await fleet.close();
  await rm(folder, { recursive: true });
});

/** A plugin that writes down what it was called with. */
const installPlugin = async (exitCode: number): Promise<void> => {
  const file = join(folder, 'session-manager-plugin');
  await writeFile(file, `#!/bin/sh\nprintf '%s\\n' "$@" > ${folder}/arguments\nexit ${exitCode}\n`);
  await chmod(file, 0o755);
};

describe('shell', () => {
  it('says how to get the plugin where it is missing, before anything else', async () => {
    const { code, err } = await fleet.run('shell gpu-1', { environment: { PATH: folder } });

    expect(code).toBe(5);
    expect(err).toContain('session-manager-plugin is not installed');
    expect(err).toContain('remedy   install it: https://docs.aws.amazon.com/');
    expect(fleet.api.requests).toEqual([]);
  });

  it('hands the session to the plugin as the AWS CLI does', async () => {
    await installPlugin(0);
    ssm.on(StartSessionCommand).resolves({ SessionId: 's-1', StreamUrl: 'wss://stream', TokenValue: 'token' });

    const { code } = await fleet.run('shell gpu-1', { environment: { PATH: `${folder}:/bin:/usr/bin` } });

    expect(code).toBe(0);
    expect((await readFile(join(folder, 'arguments'), 'utf8')).split('\n').slice(0, 6)).toEqual([
      '{"SessionId":"s-1","StreamUrl":"wss://stream","TokenValue":"token"}',
      'us-west-2',
      'StartSession',
      '',
      '{"Target":"i-0123456789abcdef0"}',
      'https://ssm.us-west-2.amazonaws.com',
    ]);
  });

  it('fails when the plugin fails', async () => {
    await installPlugin(3);
    ssm.on(StartSessionCommand).resolves({});

    expect((await fleet.run('shell gpu-1', { environment: { PATH: `${folder}:/bin:/usr/bin` } })).code).toBe(1);
  });

  it('ends with exit code 3 while there is no instance', async () => {
    await installPlugin(0);
    fleet.api.answer('GET /workers/gpu-1', { status: 200, body: aWorker({ instanceId: null, phase: 'RESERVED' }) });

    const { code, err } = await fleet.run('shell gpu-1', { environment: { PATH: folder } });

    expect(code).toBe(3);
    expect(err).toContain('phase RESERVED');
  });
});
