import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { awsCall, isAwsError } from './aws-errors.ts';

/** Parameter Store for what is public: CA certificates, AMI ids. */
export interface Parameters {
  find(name: string): Promise<string | undefined>;
  /** Never overwrites. */
  create(name: string, value: string, description: string): Promise<'created' | 'exists'>;
}

const find = async (client: SSMClient, name: string): Promise<string | undefined> => {
  try {
    const answer = await awsCall('ssm:GetParameter', () => client.send(new GetParameterCommand({ Name: name })));
    return answer.Parameter?.Value;
  } catch (error) {
    if (isAwsError(error, 'ParameterNotFound')) return undefined;
    throw error;
  }
};

const create = async (
  client: SSMClient,
  name: string,
  value: string,
  description: string,
): Promise<'created' | 'exists'> => {
  const command = new PutParameterCommand({
    Name: name,
    Value: value,
    Description: description,
    Type: 'String',
    Overwrite: false,
  });
  try {
    await awsCall('ssm:PutParameter', () => client.send(command));
    return 'created';
  } catch (error) {
    if (isAwsError(error, 'ParameterAlreadyExists')) return 'exists';
    throw error;
  }
};

export const createParameters = (client = new SSMClient({ retryMode: 'adaptive', maxAttempts: 10 })): Parameters => ({
  find: (name) => find(client, name),
  create: (name, value, description) => create(client, name, value, description),
});
