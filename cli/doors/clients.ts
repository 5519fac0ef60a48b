import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { Io } from '../io.ts';

/** Region of the seed's runbook, where nothing else names one. */
const DEFAULT_REGION = 'us-west-2';

/** The flag, the environment, the profile's region, in that order. */
export const resolveRegion = async (flag: string | undefined, io: Io): Promise<string> => {
  const named = flag ?? io.environment.AWS_REGION ?? io.environment.AWS_DEFAULT_REGION;
  if (named !== undefined && named !== '') return named;
  try {
    return await new CloudFormationClient({}).config.region();
  } catch {
    return DEFAULT_REGION;
  }
};

/** One for every client: patient with throttling, since several commands may run at once. */
export const clientSettings = (region: string) => ({ region, retryMode: 'adaptive', maxAttempts: 6 }) as const;
