import type { PlainUserDataValues } from '../../userdata/render-plain.ts';

export const plainValues = (overrides: Partial<PlainUserDataValues> = {}): PlainUserDataValues => ({
  role: 'gpu-worker',
  fleet: 'carrierarr',
  region: 'us-west-2',
  secretPrefix: 'catalyst-llm',
  controlPlane: '10.100.0.1:50051',
  readySeconds: 7200,
  bundleBucket: 'cdk-hnb659fds-assets-111122223333-us-west-2',
  bundleKey: 'bake.tar.gz',
  bundleSha256: 'ab'.repeat(32),
  nebulaVersion: '1.9.7',
  k3sVersion: 'v1.31.2+k3s1',
  ciliumVersion: '1.16.6',
  liqoVersion: '1.2.0',
  nvidiaDriverVersion: '580',
  ollamaVersion: 'latest',
  ...overrides,
});
