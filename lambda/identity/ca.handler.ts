import { ENVIRONMENT } from '#contract';
import { createKmsSigner } from '#shared/aws/kms.ts';
import { createParameters } from '#shared/aws/parameters.ts';
import { systemClock } from '#shared/clock.ts';
import { parseEnvironment } from '#shared/environment.ts';
import { createLogger } from '#shared/logging.ts';
import { type ResourceAnswer, serveAuthorityResource } from './serve-authority-resource.ts';

const environment = parseEnvironment(ENVIRONMENT.ca);
const log = createLogger('ca');
const ports = {
  signer: (keyArn: string) => createKmsSigner(keyArn),
  parameters: createParameters(),
  clock: systemClock,
};

/** onEvent of the custom resource `Custom::NebulaCa`. */
export const handler = async (event: unknown): Promise<ResourceAnswer> => {
  log.appendKeys({ fleet: environment.FLEET });
  try {
    const answer = await serveAuthorityResource(ports, event);
    log.info('CA served', { fingerprint: answer.PhysicalResourceId });
    return answer;
  } catch (error) {
    log.error('CA refused', error as Error);
    throw error;
  }
};
