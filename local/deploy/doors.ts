import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateActivationCommand, GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { ServiceUnavailableError } from '#shared/errors.ts';

export interface Activation {
  readonly activationId: string;
  readonly activationCode: string;
}

/** The public doors of the deployed fleet, as far as the embedded cloud itself goes through them. */
export class Doors {
  readonly #cloudFormation: CloudFormationClient;
  readonly #ssm: SSMClient;
  readonly #secrets: SecretsManagerClient;

  constructor(endpoint: string, region: string) {
    const client = { endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
    this.#cloudFormation = new CloudFormationClient(client);
    this.#ssm = new SSMClient(client);
    this.#secrets = new SecretsManagerClient(client);
  }

  /** Outputs of a stack by name. */
  async outputs(stack: string): Promise<Record<string, string>> {
    const { Stacks } = await this.#cloudFormation.send(new DescribeStacksCommand({ StackName: stack }));
    const outputs = Stacks?.[0]?.Outputs ?? [];
    return Object.fromEntries(outputs.map(({ OutputKey, OutputValue }) => [OutputKey ?? '', OutputValue ?? '']));
  }

  async putImageParameter(name: string, imageId: string): Promise<void> {
    await this.#ssm.send(
      new PutParameterCommand({
        Name: name,
        Value: imageId,
        Type: 'String',
        DataType: 'aws:ec2:image',
        Overwrite: true,
      }),
    );
  }

  /** @throws ServiceUnavailableError if the parameter is empty */
  async parameter(name: string): Promise<string> {
    const value = (await this.#ssm.send(new GetParameterCommand({ Name: name }))).Parameter?.Value;
    if (value !== undefined) return value;
    throw new ServiceUnavailableError({
      what: `parameter ${name} is empty`,
      remedy: 'deploy again: its value is written by the deployment',
    });
  }

  /** @throws ServiceUnavailableError if the secret is empty */
  async secret(id: string): Promise<string> {
    const value = (await this.#secrets.send(new GetSecretValueCommand({ SecretId: id }))).SecretString;
    if (value !== undefined && value !== '') return value;
    throw new ServiceUnavailableError({
      what: `secret ${id} is empty`,
      remedy: 'deploy again: its value is made by the deployment',
    });
  }

  /** Makes the activation with which one machine of the homelab registers, as `carrierarr homelab activate` does. */
  async activate(role: string, tags: Readonly<Record<string, string>>): Promise<Activation> {
    const { ActivationId: activationId = '', ActivationCode: activationCode = '' } = await this.#ssm.send(
      new CreateActivationCommand({
        IamRole: role,
        DefaultInstanceName: 'homelab',
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      }),
    );
    return { activationId, activationCode };
  }

  close(): void {
    this.#cloudFormation.destroy();
    this.#ssm.destroy();
    this.#secrets.destroy();
  }
}
