import { EC2Client } from '@aws-sdk/client-ec2';

/**
 * For everything but the launch call. Five attempts, not ten: these calls run inside functions of 60 s, and a state's
 * own Retry follows.
 */
export const createEc2Client = (): EC2Client => new EC2Client({ maxAttempts: 5, retryMode: 'adaptive' });

/**
 * For CreateFleet only. The SDK must not repeat it: how often, with which token and after what pause is decided by the
 * domain. An answer that takes longer than 20 s counts as lost; the same token asks for it again.
 */
export const createLaunchClient = (): EC2Client =>
  new EC2Client({ maxAttempts: 1, requestHandler: { connectionTimeout: 3_000, requestTimeout: 20_000 } });
