import { DescribeImagesCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { GetParameterCommand, ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';
import { parameterName, type Role } from '#contract';
import { fail, type Finding, ok } from './finding.ts';

const readParameter = async (ssm: SSMClient, Name: string): Promise<string | undefined> => {
  try {
    return (await ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value;
  } catch (error) {
    if (error instanceof ParameterNotFound) return undefined;
    throw error;
  }
};

const imageState = async (ec2: EC2Client, id: string): Promise<string | undefined> => {
  try {
    const { Images } = await ec2.send(new DescribeImagesCommand({ ImageIds: [id] }));
    return Images?.[0]?.State;
  } catch (error) {
    if (error instanceof Error && /^InvalidAMIID/.test(error.name)) return undefined;
    throw error;
  }
};

/** The parameter of a role names an image that exists in this region (ids are regional) and can be launched. */
export const checkImage = async (
  ssm: SSMClient,
  ec2: EC2Client,
  fleet: string,
  region: string,
  role: Role,
): Promise<Finding[]> => {
  const check = `image ${role}`;
  const parameter = parameterName.ami(fleet, role);
  const remedy = `build or copy the image into ${region} and write its id to the SSM parameter ${parameter}`;
  const id = await readParameter(ssm, parameter);
  if (id === undefined) return [fail(check, `parameter ${parameter} does not exist`, remedy)];
  const state = await imageState(ec2, id);
  if (state === 'available') return [ok(check, `${id} is available`)];
  const detail = state === undefined ? `${id} does not exist in ${region}` : `${id} is ${state}`;
  return [fail(check, detail, remedy)];
};
