import type { HomelabNodeSpec, NodeCommand, NodeSpec } from '../../../local/node/host.ts';

export const USER_DATA = `#!/bin/bash
CARRIERARR_FLEET=carrierarr
CARRIERARR_ROLE=gpu-worker
CARRIERARR_REGION=us-west-2
CARRIERARR_SECRET_PREFIX=catalyst-llm
CARRIERARR_CONTROL_PLANE=10.100.0.1:50051
`;

export const aSpec = (overrides: Partial<NodeSpec> = {}): NodeSpec => ({
  instanceId: 'i-0123456789abcdef0',
  instanceArn: 'arn:aws:ec2:us-west-2:000000000000:instance/i-0123456789abcdef0',
  instanceType: 'g4dn.xlarge',
  region: 'us-west-2',
  availabilityZone: 'us-west-2b',
  privateIp: '10.20.0.10',
  publicIp: '198.51.100.10',
  imageId: 'ami-0f24e5b7febd29ea3',
  userData: USER_DATA,
  tags: { 'carrierarr:worker': 'gpu-1', 'carrierarr:role': 'gpu-worker' },
  directory: '/nonexistent',
  awsEndpoint: 'http://127.0.0.1:9',
  ...overrides,
});

export const aHomelabNode = (overrides: Partial<HomelabNodeSpec> = {}): HomelabNodeSpec => ({
  instanceId: 'mi-0123456789abcdef0',
  instanceArn: 'arn:aws:ssm:us-west-2:000000000000:managed-instance/mi-0123456789abcdef0',
  region: 'us-west-2',
  tags: { 'carrierarr:fleet': 'carrierarr', 'carrierarr:role': 'homelab' },
  directory: '/nonexistent',
  awsEndpoint: 'http://127.0.0.1:9',
  ...overrides,
});

export const aCommand = (overrides: Partial<NodeCommand> = {}): NodeCommand => ({
  commandId: '11111111-2222-3333-4444-555555555555',
  script: '#!/bin/bash\ntrue\n',
  environment: { SSM_ExecutionId: 'gpu-1-mabc1234', SSM_Worker: 'gpu-1' },
  timeoutSeconds: 30,
  ...overrides,
});
