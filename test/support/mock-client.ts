import { mockClient as mock } from 'aws-sdk-client-mock';
import { afterAll } from 'vitest';

/**
 * Replaces a client's `send` until the end of the test file. Files share the modules they import, so a mock that
 * stayed would strike whichever file comes next.
 */
export const mockClient: typeof mock = (client) => {
  const mocked = mock(client);
  afterAll(() => mocked.restore());
  return mocked;
};
