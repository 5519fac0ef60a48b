import { GetParametersCommand, PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { IMAGES, type Image, parameterName } from '#contract';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { pause } from './board.ts';

/** The image that each parameter of the fleet names; without those that do not exist. */
export const readImageParameters = async (ssm: SSMClient, fleet: string): Promise<ReadonlyMap<Image, string>> => {
  const names = new Map(IMAGES.map((image) => [parameterName.ami(fleet, image), image]));
  const { Parameters = [] } = await ssm.send(new GetParametersCommand({ Names: [...names.keys()] }));
  return new Map(
    Parameters.flatMap(({ Name = '', Value = '' }) => {
      const image = names.get(Name);
      return image === undefined || Value === '' ? [] : [[image, Value] as const];
    }),
  );
};

/**
 * Systems Manager looks at the image after it has answered, and drops the value without a word if it may not be had.
 */
const LOOKS = 12;

/**
 * Writes the parameter that workers of a role boot from, and reads it back until it is there.
 * @throws CommandError (failed) when it is not
 */
export const writeImageParameter = async (
  ssm: SSMClient,
  { fleet, role, id }: { readonly fleet: string; readonly role: Image; readonly id: string },
  io: Io,
): Promise<void> => {
  const Name = parameterName.ami(fleet, role);
  await ssm.send(
    new PutParameterCommand({ Name, Value: id, Type: 'String', DataType: 'aws:ec2:image', Overwrite: true }),
  );
  let found: string | undefined;
  for (let look = 0; look < LOOKS; look++) {
    if (look > 0) await pause(io);
    found = (await readImageParameters(ssm, fleet)).get(role);
    if (found === id) return;
  }
  throw new CommandError(EXIT.failed, {
    what: `the parameter ${Name} did not take the image ${id}`,
    got: found ?? 'no value',
    allowed: 'an image that Systems Manager finds in this region with your rights (ec2:DescribeImages)',
    remedy:
      'look for an event "Parameter Store Change" of that name in EventBridge, it has the reason; then publish again',
  });
};
