import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { paginateDescribeLogGroups, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { expect, it } from 'vitest';
import { agentKeySecretName, secretName } from '#contract';
import { historyOf, provision, teardown } from './support/executions.ts';
import { clients, describeScenario, fleet, logDirectory, uniqueName } from './support/fleet.ts';
import { instancesOf } from './support/remains.ts';

/** Lines of a PEM that would betray it: its base64 body, without the words around it. */
const bodyOf = (pem: string): string[] => pem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));

const logFiles = async (): Promise<string> => {
  const files = await readdir(logDirectory, { recursive: true, withFileTypes: true });
  const texts = files
    .filter((entry) => entry.isFile())
    .map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8'));
  return (await Promise.all(texts)).join('\n');
};

/** What the functions and the machines have logged. */
const cloudLogs = async (): Promise<string> => {
  const lines: string[] = [];
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client: clients.logs }, {})) {
    for (const { logGroupName = '' } of logGroups.filter((group) => group.logGroupName?.includes(fleet))) {
      for await (const { events = [] } of paginateFilterLogEvents({ client: clients.logs }, { logGroupName })) {
        lines.push(...events.map(({ message }) => message ?? ''));
      }
    }
  }
  return lines.join('\n');
};

const secretText = async (id: string): Promise<string> =>
  (await clients.secrets.send(new GetSecretValueCommand({ SecretId: id }))).SecretString ?? '';

const secretOfWorker = async (name: string): Promise<Record<string, string>> =>
  JSON.parse(await secretText(secretName('catalyst-llm', name))) as Record<string, string>;

/** Every piece of a worker's secret that nobody else may see. */
const betrayers = (secret: Record<string, string>): string[] => [
  ...bodyOf(secret.nebula_node_key ?? ''),
  ...[secret.k3s_token, secret.k3s_agent_token, secret.agent_token].filter((token) => token !== undefined),
];

const describeInstance = async (name: string): Promise<string> => {
  const [instance] = await instancesOf(name);
  const { Reservations } = await clients.ec2.send(
    new DescribeInstancesCommand({ InstanceIds: [instance?.InstanceId ?? ''] }),
  );
  return JSON.stringify(Reservations);
};

describeScenario('key material', () => {
  it('is in the secrets only: no history, no log, no instance description has a trace of it', async () => {
    const server = uniqueName('secret');
    const gpu = uniqueName('secret-gpu');
    const born = [
      await provision({ name: server, role: 'lighthouse', cluster: server }),
      await provision({ name: gpu, role: 'gpu-worker', cluster: server }),
    ];
    expect(born.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    const secrets = [await secretOfWorker(server), await secretOfWorker(gpu)];
    const agentKey = await secretText(agentKeySecretName(fleet));
    const hidden = [...secrets.flatMap(betrayers), agentKey];
    expect(agentKey).toMatch(/^[A-Za-z0-9]{64}$/);
    expect(hidden.length).toBeGreaterThanOrEqual(8);
    const instances = [await describeInstance(server), await describeInstance(gpu)];
    const ends = [await teardown({ name: gpu }), await teardown({ name: server })];

    const places = {
      histories: JSON.stringify(await Promise.all([...born, ...ends].map(({ arn }) => historyOf(arn)))),
      'log files': await logFiles(),
      'cloud logs': await cloudLogs(),
      'instance descriptions': instances.join(),
    };

    for (const [place, text] of Object.entries(places)) {
      expect(text, `${place} are of these workers`).toContain(place === 'log files' ? 'ministack' : server);
      for (const piece of hidden) expect(text.includes(piece), place).toBe(false);
      expect(text, place).not.toMatch(/BEGIN NEBULA (X25519|ED25519) PRIVATE KEY/);
    }
  });
});
