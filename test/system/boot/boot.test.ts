import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { network } from '../../lambda/identity/support/authority.ts';
import { awsError, secretValue } from '../../ssm/fake-instance.ts';
import { anIdentity } from '../../ssm/identity-builders.ts';
import { skipLoudly } from '../support/nebula-programs.ts';
import { aStrangersIdentity } from './support/homelab.ts';
import type { Machine } from './support/machine.ts';
import { bootNebula, bootObstacle } from './support/obstacle.ts';
import { runStepOn } from './support/steps.ts';
import { tracesOf } from './support/traces.ts';
import { DARK_NAME, HOMELAB_NAME } from './support/wire.ts';
import { type MachineSetting, type Switched, World } from './support/world.ts';

const LIGHTHOUSE = '10.100.0.1';
/** Two minutes are what a machine waits for its secret. */
const IMPATIENT = {
  '/etc/systemd/system/carrierarr-boot.service.d/test.conf':
    '[Service]\nEnvironment=CARRIERARR_SECRET_LIMIT_SECONDS=3\n',
};
const ILL = awsError('InternalServiceError', 500);

const expectMetadataForRootAlone = async (machine: Machine): Promise<void> => {
  const ask = 'curl --silent --output /dev/null --max-time 2 --write-out %{http_code} http://169.254.169.254/latest/';
  expect(await machine.sh(`${ask}; true`)).toBe('401');
  expect(await machine.sh(`setpriv --reuid nobody --clear-groups ${ask} || true`)).toBe('000');
};

const expectItsOwnCluster = async ({ machine, echo }: Switched): Promise<void> => {
  await echo.first;
  expect(await machine.waitFor('k3s')).toBe('active');
  expect(await machine.read('/run/k3s.told')).toBe('k3s server\n');
  expect(await machine.sh('stat -c %a /etc/rancher/k3s/agent-token')).toBe('600\n');
};

describe.skipIf(skipLoudly('machines that boot from the image', bootObstacle))('a machine with our image', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start(bootNebula());
  });
  afterAll(() => world.close());

  it.concurrent('is in the mesh when it has booted, and runs k3s, the agent, and Ollama for the mesh alone', async () => {
    await using booted = await world.boot();
    const { machine, meshAddress, echo } = booted;

    await expect(machine.verdict()).resolves.toMatchObject({ done: true });

    await echo.first;
    const mesh = { NebulaIp: meshAddress, LighthouseIp: LIGHTHOUSE };
    expect(await runStepOn(booted, 'verify-nebula', mesh)).toMatchObject({ ok: true });
    expect(await machine.unit('nebula', 'SubState', 'NRestarts')).toEqual({ SubState: 'running', NRestarts: '0' });
    expect(await machine.sh('stat -f -c %T /etc/nebula; cd /etc/nebula; stat -c "%a %n" *')).toBe(
      'tmpfs\n600 ca.crt\n600 config.yml\n600 host.crt\n600 host.key\n',
    );
    expect(await machine.waitFor('k3s-agent')).toBe('active');
    expect(await machine.read('/run/k3s.told')).toBe('k3s agent\n');
    expect(await machine.sh('stat -c "%a %n" /etc/rancher/k3s/*')).toBe(
      '600 /etc/rancher/k3s/config.yaml\n600 /etc/rancher/k3s/token\n',
    );
    expect(await machine.read('/etc/rancher/k3s/config.yaml')).toContain(`node-ip: "${machine.address}"`);
    const gpu = { NebulaIp: meshAddress, Gpu: 'none' };
    expect(await runStepOn(booted, 'verify-gpu', gpu)).toMatchObject({ ok: true, ollama: '0.5.7' });
    expect(await runStepOn(booted, 'verify-agent')).toMatchObject({ ok: true, agent: 'active' });
    expect(await machine.sh('systemctl --failed --plain --no-legend')).toBe('');
    await expectMetadataForRootAlone(machine);
  });

  it.concurrent.each(['gpu-worker', 'lighthouse'] as const)(
    'shows the secrets of a %s nowhere, and starts its own cluster where that is a lighthouse',
    async (role) => {
      const refused = [awsError('AccessDeniedException')];
      await using booted = await world.boot({
        role,
        prepare: (instance, secret) => {
          instance.secret = [...refused, secretValue(secret)];
        },
      });
      await expect(booted.machine.verdict()).resolves.toMatchObject({ done: true });
      if (role === 'lighthouse') await expectItsOwnCluster(booted);
      await booted.machine.sh('systemctl restart carrierarr-boot');
      await runStepOn(booted, 'node-status');

      expect(await tracesOf(world, booted)).toEqual([]);
    },
  );

  it.concurrent.each<[string, MachineSetting]>([
    ['the network is late', { pluggedAfter: 2000 }],
    [
      'metadata answer late and Secrets Manager is ill at first',
      {
        metadataAfter: 3000,
        prepare: (instance, secret) => {
          instance.secret = [ILL, { status: 503, body: '<html>busy</html>' }, secretValue(secret)];
        },
      },
    ],
  ])('joins the mesh although %s', async (_, setting) => {
    await using booted = await world.boot(setting);
    const { machine, echo } = booted;

    await expect(machine.verdict()).resolves.toMatchObject({ done: true });
    await echo.first;
  });

  it.concurrent.each<[string, MachineSetting, string | RegExp]>([
    [
      'its secret is missing',
      {
        prepare: (instance) => (instance.secret = [awsError('ResourceNotFoundException')]),
        files: IMPATIENT,
      },
      /^secret catalyst-llm\/nebula-gpu-worker-\d+ was not readable within 3 s: 400 ResourceNotFoundException$/,
    ],
    [
      'its secret is no JSON',
      { prepare: (instance) => (instance.secret = [secretValue('{"nebula_ip": ')]) },
      'is not a JSON object',
    ],
    [
      'the key is of another certificate',
      {
        prepare: (instance, secret) =>
          (instance.secret = [secretValue({ ...secret, nebula_node_key: anIdentity().privateKeyPem })]),
      },
      'private key is not a pair with public key in nebula cert',
    ],
    [
      'the certificate is for a part of the mesh',
      { identity: (name, address) => anIdentity({ name, networks: [network(`${address}/24`)] }, address) },
      'not in our subnet',
    ],
  ])('says so and starts neither mesh nor cluster when %s', async (_, setting, reason) => {
    await using booted = await world.boot(setting);
    const { machine } = booted;

    const verdict = await machine.verdict();

    expect(verdict).toMatchObject({ done: false, text: expect.stringMatching(reason) });
    expect(await machine.unit('carrierarr-boot', 'ActiveState')).toEqual({ ActiveState: 'failed' });
    expect(await machine.sh('systemctl is-active nebula k3s-agent worker-agent ollama || true')).not.toContain(
      '\nactive',
    );
  });

  it.concurrent('boots with a certificate that only it trusts, and verify-nebula says that nobody answers', async () => {
    await using booted = await world.boot({ identity: aStrangersIdentity });
    const { machine } = booted;

    await expect(machine.verdict()).resolves.toMatchObject({ done: true });

    await machine.hurry();
    const mesh = { NebulaIp: booted.meshAddress, LighthouseIp: LIGHTHOUSE };
    const verdict = await runStepOn(booted, 'verify-nebula', mesh);
    expect(verdict).toMatchObject({
      ok: false,
      reason: expect.stringContaining('does it trust our certificate authority'),
    });
    expect(await world.homelab.log()).toContain('could not find ca for the certificate');
  });

  it.concurrent('brings its cluster up while the homelab is dark', async () => {
    await using booted = await world.boot({
      prepare: (instance, secret) => {
        const dark = (secret.nebula_config ?? '').replaceAll(HOMELAB_NAME, DARK_NAME);
        instance.secret = [secretValue({ ...secret, nebula_config: dark })];
      },
    });
    const { machine } = booted;

    await expect(machine.verdict()).resolves.toMatchObject({ done: true });
    expect(await machine.waitFor('k3s-agent')).toBe('active');
  });
});
