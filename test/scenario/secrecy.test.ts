import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { expect, it } from 'vitest';
import { secretName } from '#contract';
import { executionsOf, historyOf, provision, teardown } from './support/executions.ts';
import { clients, describeScenario, injectFaults, logDirectory, uniqueName } from './support/fleet.ts';
import { instancesOf } from './support/remains.ts';

/** Lines of a PEM that would betray it: its base64 body, without the words around it. */
const bodyOf = (pem: string): string[] => pem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));

const allLogs = async (): Promise<string> => {
  const files = await readdir(logDirectory, { recursive: true, withFileTypes: true });
  const texts = files
    .filter((entry) => entry.isFile())
    .map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8'));
  return (await Promise.all(texts)).join('\n');
};

const secretOfWorker = async (name: string): Promise<Record<string, string>> => {
  const { SecretString } = await clients.secrets.send(
    new GetSecretValueCommand({ SecretId: secretName('catalyst-llm', name) }),
  );
  return JSON.parse(SecretString ?? '{}') as Record<string, string>;
};

describeScenario('key material', () => {
  it('is in the secret only: no history, no log, no user data has a trace of it', async () => {
    const name = uniqueName('secret');
    await injectFaults({ service: 'ssm', action: 'SendCommand', match: name, effect: { kind: 'lost-answer' } });
    const born = await provision({ name });
    expect(born.status).toBe('SUCCEEDED');

    const secret = await secretOfWorker(name);
    expect(Object.keys(secret)).toEqual(
      expect.arrayContaining([
        'nebula_ca_crt',
        'nebula_node_crt',
        'nebula_node_key',
        'nebula_ip',
        'lighthouse_endpoint',
      ]),
    );
    const key = bodyOf(secret.nebula_node_key ?? '');
    expect(key).not.toEqual([]);
    const [instance] = await instancesOf(name);
    const { Reservations } = await clients.ec2.send(
      new DescribeInstancesCommand({ InstanceIds: [instance?.InstanceId ?? ''] }),
    );
    const end = await teardown({ name });
    expect(end.status).toBe('SUCCEEDED');
    expect(await executionsOf('provisionStateMachine', name)).toHaveLength(0);

    const places = {
      'provision history': JSON.stringify(await historyOf(born.arn)),
      'teardown history': JSON.stringify(await historyOf(end.arn)),
      logs: await allLogs(),
      'instance description': JSON.stringify(Reservations),
    };
    for (const [place, text] of Object.entries(places)) {
      expect(text.length, `${place} was read`).toBeGreaterThan(100);
      for (const line of key) expect(text.includes(line), place).toBe(false);
      expect(text, place).not.toMatch(/BEGIN NEBULA (X25519|ED25519) PRIVATE KEY/);
    }
  });
});
