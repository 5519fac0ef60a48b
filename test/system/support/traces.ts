import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CloudWatchLogsClient,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import { GetSecretValueCommand, paginateListSecrets, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  ListStateMachinesCommand,
  paginateGetExecutionHistory,
  paginateListExecutions,
  SFNClient,
} from '@aws-sdk/client-sfn';
import type { Cloud } from '../../../local/cloud.ts';

const LOOK_MILLISECONDS = 400;

const connection = ({ endpoint, region }: Cloud) => ({
  endpoint,
  region,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});

/** Lines of a PEM that would betray it: its base64 body, without the words around it. */
const bodyOf = (pem: string): string[] => pem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));

/** What a worker's secret, or the kubeconfig in a handover's, hides. */
const piecesOf = (text: string): string[] => {
  const token = /^ *token: (\S+)$/m.exec(text)?.[1];
  if (token !== undefined) return [token];
  // The key of agent tokens.
  if (/^[A-Za-z0-9]{64}$/.test(text)) return [text];
  if (!text.startsWith('{')) return [];
  const { nebula_node_key = '', k3s_token, k3s_agent_token, agent_token } = JSON.parse(text) as Record<string, string>;
  return [...bodyOf(nebula_node_key), k3s_token, k3s_agent_token, agent_token].filter((piece) => piece !== undefined);
};

/** Looks at every secret of a cloud again and again: those of a handover live for moments only. */
export class SecretWatch {
  /** What no one may read elsewhere, by the name of its secret. */
  readonly pieces = new Map<string, Set<string>>();
  readonly #client: SecretsManagerClient;
  #closed = false;
  readonly #looking: Promise<unknown>;
  #fault: unknown;

  constructor(cloud: Cloud) {
    this.#client = new SecretsManagerClient(connection(cloud));
    this.#looking = this.#watch().catch((error: unknown) => {
      this.#fault = error;
    });
  }

  /** All pieces of the secrets whose name has this in it. */
  of(part: string): string[] {
    return [...this.pieces].filter(([name]) => name.includes(part)).flatMap(([, pieces]) => [...pieces]);
  }

  /** @throws what kept it from looking */
  async stop(): Promise<void> {
    this.#closed = true;
    await this.#looking;
    this.#client.destroy();
    if (this.#fault !== undefined) throw this.#fault;
  }

  async #watch(): Promise<void> {
    while (!this.#closed) {
      for await (const { SecretList = [] } of paginateListSecrets({ client: this.#client }, {})) {
        for (const { Name = '' } of SecretList) await this.#look(Name);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    }
  }

  /** A secret may go between two looks, and a handover's holds nothing at first. */
  async #look(name: string): Promise<void> {
    const found = await this.#client.send(new GetSecretValueCommand({ SecretId: name })).catch(() => undefined);
    const known = this.pieces.get(name) ?? new Set();
    for (const piece of piecesOf(found?.SecretString ?? '')) known.add(piece);
    this.pieces.set(name, known);
  }
}

const histories = async (cloud: Cloud): Promise<string> => {
  const client = new SFNClient(connection(cloud));
  const texts: string[] = [];
  const { stateMachines = [] } = await client.send(new ListStateMachinesCommand({}));
  for (const { stateMachineArn } of stateMachines) {
    for await (const { executions = [] } of paginateListExecutions({ client }, { stateMachineArn })) {
      for (const { executionArn } of executions) {
        for await (const page of paginateGetExecutionHistory(
          { client },
          { executionArn, includeExecutionData: true },
        )) {
          texts.push(JSON.stringify(page.events));
        }
      }
    }
  }
  client.destroy();
  return texts.join('\n');
};

const functionLogs = async (cloud: Cloud): Promise<string> => {
  const client = new CloudWatchLogsClient(connection(cloud));
  const lines: string[] = [];
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, {})) {
    for (const { logGroupName = '' } of logGroups) {
      for await (const { events = [] } of paginateFilterLogEvents({ client }, { logGroupName })) {
        lines.push(...events.map(({ message }) => message ?? ''));
      }
    }
  }
  client.destroy();
  return lines.join('\n');
};

const filesBelow = async (folder: string, wanted: (name: string) => boolean): Promise<string> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && wanted(entry.name));
  const texts = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    return `${path}\n${await readFile(path, 'utf8')}`;
  });
  return (await Promise.all(texts)).join('\n');
};

const isConsole = (name: string): boolean => name === 'console.log';

const commandOutputs = ({ edge }: Cloud): string =>
  edge.ssm
    .commands()
    .map(({ step, status, parameters, stdout, stderr }) =>
      [`${step} ${status}`, JSON.stringify(parameters), stdout, stderr].join('\n'),
    )
    .join('\n');

/** What the steps wrote down on the homelab's own node. */
const homelabLogs = async ({ homelab }: Cloud): Promise<string> => {
  const script = '#!/bin/bash\ntail -c +1 /var/log/carrierarr/* /run/carrierarr/steps/* 2>/dev/null || true\n';
  const command = { commandId: crypto.randomUUID(), script, environment: {}, timeoutSeconds: 20 };
  return (await homelab.run(command)).stdout;
};

/** Everything that a person with access to this place could read, by place. */
export const readablePlaces = async (cloud: Cloud) => ({
  'execution histories': await histories(cloud),
  'outputs of Run Command': commandOutputs(cloud),
  'logs of the functions': await functionLogs(cloud),
  "the cloud's log files": await filesBelow(join(cloud.directory, 'logs'), () => true),
  'consoles of the nodes': await filesBelow(join(cloud.directory, 'nodes'), isConsole),
  "the steps' logs in the homelab": await homelabLogs(cloud),
});
