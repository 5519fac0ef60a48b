/** Plays one instance's metadata service and Secrets Manager at the address real instances know. */
import { readFileSync } from 'node:fs';
import { awsError, FakeInstance, secretValue } from './fake-instance.ts';

const secrets = JSON.parse(readFileSync('/out/secrets.json', 'utf8')) as unknown[];
const instance = await FakeInstance.start({ host: '169.254.169.254', port: 80 });
instance.secret = [awsError('AccessDeniedException'), ...secrets.map(secretValue)];
