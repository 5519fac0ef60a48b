import { Logger } from '@aws-lambda-powertools/logger';

/** JSON lines with one vocabulary of keys: `worker`, `generation`, `execution`, `operation`. Never log a secret's value. */
export type Log = Pick<Logger, 'info' | 'warn' | 'error' | 'debug' | 'appendKeys' | 'resetKeys'>;

export const createLogger = (capability: string): Log => new Logger({ serviceName: `carrierarr-${capability}` });
