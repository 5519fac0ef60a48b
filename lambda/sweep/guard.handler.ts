import * as z from 'zod';
import { ENVIRONMENT } from '#contract';
import { createEc2Client } from '#shared/aws/ec2-client.ts';
import { createInstances } from '#shared/aws/ec2-instances.ts';
import { parseEnvironment } from '#shared/environment.ts';
import { parseInput } from '#shared/input.ts';
import { refuseDestroy } from './refuse-destroy.ts';

const { FLEET } = parseEnvironment(ENVIRONMENT.guard);
const ec2 = createInstances(createEc2Client(), process.env.AWS_REGION ?? '');

/** Request of CloudFormation as the CDK's provider framework hands it on; it carries more than is read here. */
const Event = z.looseObject({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResourceProperties: z.looseObject({ fleet: z.string().min(1).default(FLEET) }).default({ fleet: FLEET }),
});

export const handler = async (event: unknown): Promise<{ PhysicalResourceId: string }> =>
  refuseDestroy({ ec2 }, parseInput(Event, event));
