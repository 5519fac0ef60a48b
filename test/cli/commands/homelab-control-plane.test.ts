import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OUTPUT } from '#contract';
import { readSigningCertificate } from '../../../agent/control-plane/aws/certificate.ts';
import { readAwsSettings } from '../../../agent/control-plane/aws/settings.ts';
import { parseConfig } from '../../../lib/config.ts';
import { envFile } from '../../homelab/support.ts';
import { mockClient } from '../../support/mock-client.ts';
import { NOW } from '../support/builders.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';

const secretsManager = mockClient(SecretsManagerClient);
const KEYS = 'k'.repeat(64);
const IDENTITY = {
  [OUTPUT.eventBus]: 'carrierarr',
  [OUTPUT.controlPlaneTrustAnchor]: 'arn:aws:rolesanywhere:us-west-2:111122223333:trust-anchor/1',
  [OUTPUT.controlPlaneProfile]: 'arn:aws:rolesanywhere:us-west-2:111122223333:profile/2',
  [OUTPUT.controlPlaneRole]: 'arn:aws:iam::111122223333:role/carrierarr-control-plane-us-west-2',
};

let fleet: DeployedFleet;
let folder: string;
beforeEach(async () => {
  secretsManager.reset();
  fleet = await deployedFleet();
  folder = join(mkdtempSync(join(tmpdir(), 'carrierarr-identity-')), 'carrierarr');
  secretsManager.on(GetSecretValueCommand).resolves({ SecretString: KEYS });
});
afterEach(async () => {
  await fleet.close();
  rmSync(join(folder, '..'), { recursive: true });
});

const outputs = (more: Record<string, string>): void => {
  const Outputs = Object.entries(more).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue }));
  fleet.cloudFormation.on(DescribeStacksCommand, { StackName: 'carrierarr-fleet' }).resolves({
    Stacks: [
      {
        StackName: 'carrierarr-fleet',
        CreationTime: NOW,
        StackStatus: 'CREATE_COMPLETE',
        Outputs: [...Outputs, { OutputKey: OUTPUT.apiUrl, OutputValue: fleet.api.url }],
      },
    ],
  });
};
const run = (line: string, terminal = false) => fleet.run(`homelab ${line} --directory ${folder}`, { terminal });
const file = (name: string): string => readFileSync(join(folder, name), 'utf8');
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('homelab certificate', () => {
  it('makes files that are the owner’s alone, and prints what belongs into the configuration', async () => {
    const { code, out, err } = await run('certificate');

    expect(code).toBe(0);
    expect(readdirSync(folder)).toEqual(['ca.crt', 'ca.key', 'control-plane.crt', 'control-plane.key']);
    expect([folder, ...readdirSync(folder).map((name) => join(folder, name))].map(modeOf)).toEqual([
      0o700, 0o600, 0o600, 0o600, 0o600,
    ]);
    expect(parseConfig(JSON.parse(out)).homelab.controlPlane.trustAnchor).toBe(file('ca.crt'));
    expect(err).toContain('carrierarr homelab control-plane --secrets | kubectl apply -f -');
    expect(out + err).not.toContain('PRIVATE KEY');
  });

  it('refuses to make another CA beside one that is there, and leaves it alone', async () => {
    await run('certificate');
    const before = readdirSync(folder).map(file);

    const { code, err } = await run('certificate');

    expect(code).toBe(4);
    expect(err).toContain('--renew');
    expect(readdirSync(folder).map(file)).toEqual(before);
  });

  it('asks AWS nothing', async () => {
    fleet.cloudFormation.on(DescribeStacksCommand).rejects(new Error('asked'));

    expect((await run('certificate')).code).toBe(0);
  });

  it('renews by the same CA, with a key of its own', async () => {
    await run('certificate');
    const [authority, key] = [file('ca.crt'), file('control-plane.key')];

    const { code, out, err } = await run('certificate --renew --days 30');
    const renewed = new X509Certificate(file('control-plane.crt'));

    expect([code, out]).toEqual([0, '']);
    expect(err).toContain('nothing need be restarted');
    expect(file('ca.crt')).toBe(authority);
    expect(file('control-plane.key')).not.toBe(key);
    expect(renewed.checkIssued(new X509Certificate(authority))).toBe(true);
    expect(readdirSync(folder)).toHaveLength(4);
    expect(modeOf(join(folder, 'control-plane.key'))).toBe(0o600);
    await expect(
      readSigningCertificate(
        { certificateFile: join(folder, 'control-plane.crt'), keyFile: join(folder, 'control-plane.key') },
        new Date(),
      ),
    ).resolves.toMatchObject({ chain: [] });
  });

  it('cannot renew where the CA is kept elsewhere', async () => {
    await run('certificate');
    rmSync(join(folder, 'ca.key'));

    const { code, err } = await run('certificate --renew');

    expect(code).toBe(3);
    expect(err).toContain('bring the two files back');
  });

  it.each(['0', '3651', 'year'])('refuses --days %s', async (days) => {
    expect((await run(`certificate --days=${days}`)).code).toBe(2);
    expect(existsSync(folder)).toBe(false);
  });
});

describe('homelab control-plane', () => {
  it('prints the settings, as the control plane takes them', async () => {
    outputs(IDENTITY);

    const { code, out } = await run('control-plane');
    const given = Object.fromEntries(
      out
        .trim()
        .split('\n')
        .map((line) => line.split('=', 2)),
    );

    expect(code).toBe(0);
    expect(
      readAwsSettings({ ...given, CONTROL_PLANE_AWS_CERT_FILE: 'crt', CONTROL_PLANE_AWS_KEY_FILE: 'key' }),
    ).toMatchObject({ bus: 'carrierarr', region: 'us-west-2', roleArn: IDENTITY[OUTPUT.controlPlaneRole] });
  });

  it('puts them into the file that kustomize reads, and touches nothing else in it', async () => {
    outputs(IDENTITY);
    const copy = join(folder, '..', 'control-plane.env');
    writeFileSync(copy, readFileSync('homelab/control-plane.env'));

    const { code, out } = await run(`control-plane --write ${copy}`);

    expect([code, out]).toEqual([0, '']);
    expect(envFile(copy)).toEqual({
      ...envFile('homelab/control-plane.env'),
      CONTROL_PLANE_AWS_REGION: 'us-west-2',
      CONTROL_PLANE_AWS_BUS: 'carrierarr',
      CONTROL_PLANE_AWS_TRUST_ANCHOR_ARN: IDENTITY[OUTPUT.controlPlaneTrustAnchor],
      CONTROL_PLANE_AWS_PROFILE_ARN: IDENTITY[OUTPUT.controlPlaneProfile],
      CONTROL_PLANE_AWS_ROLE_ARN: IDENTITY[OUTPUT.controlPlaneRole],
    });
    expect(readFileSync(copy, 'utf8').split('\n')).toHaveLength(
      readFileSync('homelab/control-plane.env', 'utf8').split('\n').length,
    );
  });

  it('says what is missing where no CA is deployed', async () => {
    outputs({});

    const { code, out, err } = await run('control-plane');

    expect([code, out]).toEqual([0, '']);
    expect(err).toContain('carrierarr homelab certificate');
  });

  it('hands key, token and certificate on as Secrets, and shows none of them', async () => {
    outputs({ ...IDENTITY, [OUTPUT.agentKeySecret]: 'carrierarr/agent-key' });
    await run('certificate');

    const { code, out, err } = await run('control-plane --secrets');
    const { items } = JSON.parse(out);

    expect(code).toBe(0);
    expect(secretsManager.commandCalls(GetSecretValueCommand)[0]?.args[0].input.SecretId).toBe('carrierarr/agent-key');
    expect(items).toMatchObject([
      { kind: 'Secret', metadata: { namespace: 'carrierarr' }, stringData: { keys: KEYS } },
      { stringData: { token: file('command-token').trim() } },
      { stringData: { 'tls.crt': file('control-plane.crt'), 'tls.key': file('control-plane.key') } },
    ]);
    expect(file('command-token')).toMatch(/^[A-Za-z0-9_-]{43}\n$/);
    expect(modeOf(join(folder, 'command-token'))).toBe(0o600);
    expect(err).not.toMatch(new RegExp(`${KEYS}|PRIVATE KEY|${file('command-token').trim()}`));
  });

  it('keeps the token that was made first', async () => {
    outputs({});

    const documents = [await run('control-plane --secrets'), await run('control-plane --secrets')].map(
      ({ out }) => out,
    );

    expect(documents[0]).toBe(documents[1]);
    expect(JSON.parse(documents[0] ?? '').items).toHaveLength(1);
    expect(secretsManager.calls()).toHaveLength(0);
  });

  it('does not write secrets to a screen', async () => {
    outputs({ [OUTPUT.agentKeySecret]: 'carrierarr/agent-key' });

    const { code, out, err } = await run('control-plane --secrets', true);

    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('| kubectl apply -f -');
    expect(secretsManager.calls()).toHaveLength(0);
  });

  it('says whose credentials it takes when an operator’s are refused, and leaves nothing behind', async () => {
    outputs({ [OUTPUT.agentKeySecret]: 'carrierarr/agent-key' });
    secretsManager.on(GetSecretValueCommand).rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));

    const { code, out, err } = await run('control-plane --secrets');

    expect([code, out]).toEqual([5, '']);
    expect(err).toContain('use those you deploy with');
    expect(existsSync(folder)).toBe(false);
  });

  it('says which file it may not read', async () => {
    outputs({});
    await run('control-plane --secrets');
    rmSync(join(folder, 'command-token'));
    writeFileSync(join(folder, 'not-a-folder'), '');
    chmodSync(folder, 0o700);

    const { code, err } = await fleet.run(`homelab control-plane --secrets --directory ${folder}/not-a-folder`);

    expect(code).toBe(5);
    expect(err).toContain('not-a-folder');
  });

  it('answers machines in one document', async () => {
    outputs({ ...IDENTITY, [OUTPUT.controlPlaneUrl]: 'http://fleet.home.example.org' });

    expect(JSON.parse((await run('control-plane --json')).out)).toMatchObject({
      environment: { CONTROL_PLANE_AWS_BUS: 'carrierarr' },
      url: 'http://fleet.home.example.org',
    });
  });
});
