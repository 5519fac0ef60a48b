import type { Call } from './walk.ts';
import { Thrown } from './walk.ts';

/** How the functions answer in a walk: everything works, unless told otherwise. */
export interface World {
  readonly role?: 'lighthouse' | 'gpu-worker';
  /** Whether the homelab's node is online. */
  readonly homelab?: boolean;
  /** States that fail, with the name of the error; `<Stage>Poll` is where a step fails. */
  readonly failing?: Readonly<Record<string, string>>;
  /** How often each poll says that it is not done yet. */
  readonly rounds?: number;
  /** What the fence says, beyond a worker that never came to be. */
  readonly fenced?: Readonly<Record<string, unknown>>;
}

export const WORKER = {
  contract: 1,
  name: 'w1',
  generation: 'mbdefghi',
  address: '10.100.2.1',
  instanceTypes: ['g4dn.xlarge'],
  market: 'spot',
  onDemandFallback: true,
  amiId: '',
  cluster: 'aws-k3s',
};
const INSTANCE = {
  instanceId: 'i-0123456789abcdef0',
  instanceArn: 'arn:aws:ec2:us-west-2:111122223333:instance/i-0123456789abcdef0',
  instanceType: 'g4dn.xlarge',
  availabilityZone: 'us-west-2a',
  market: 'spot',
  amiId: 'ami-0f24e5b7febd29ea3',
  privateIp: '10.80.0.11',
  publicIp: '203.0.113.9',
  adopted: false,
};
const HOMELAB = {
  instanceId: 'mi-0123456789abcdef0',
  instanceArn: 'arn:aws:ssm:us-west-2:111122223333:managed-instance/mi-0123456789abcdef0',
};
const SERVER = {
  cluster: 'aws-k3s',
  server: 'lh',
  instanceId: 'i-0fedcba9876543210',
  privateIp: '10.80.0.10',
  meshIp: '10.100.2.2',
  caHash: 'a'.repeat(64),
  secretArn: 'arn:aws:secretsmanager:us-west-2:111122223333:secret:catalyst-llm/nebula-lh-AbCdEf',
};
const FENCED = {
  outcome: 'fenced',
  name: 'w1',
  generation: 'mbdefghi',
  instanceId: '',
  commandId: '',
  amiId: '',
  holder: '',
  role: 'lighthouse',
  address: '10.100.2.1',
  publicIp: '',
  cluster: 'aws-k3s',
  serverInstanceId: '',
  peered: false,
  homelabInstanceId: '',
  homelabCommandId: '',
  proveAfter: 0,
};

/** What the fence says of a worker that got to the end. */
export const FENCED_LIGHTHOUSE = { instanceId: INSTANCE.instanceId, publicIp: INSTANCE.publicIp, peered: true };
export const FENCED_GPU_WORKER = {
  ...FENCED_LIGHTHOUSE,
  role: 'gpu-worker',
  peered: false,
  serverInstanceId: SERVER.instanceId,
};

const RESULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'install-cilium': { caHash: 'a'.repeat(64) },
  'join-cluster': { node: 'carrierarr-w1', gpu: '1' },
  'homelab-verify-peering': { virtualNode: 'aws-k3s', capacity: { cpu: '4', 'nvidia.com/gpu': '1' } },
  'verify-peering': { virtualNode: 'catalyst-homelab', capacity: { cpu: '8' } },
};

/** Answers by operation; each fits the contract's output. */
export const answering = (world: World): ((call: Call) => unknown) => {
  const polls = new Map<string, number>();
  const done = (state: string): boolean => {
    const round = polls.get(state) ?? 0;
    polls.set(state, round + 1);
    return round >= (world.rounds ?? 0);
  };
  return (call) => {
    const failure = world.failing?.[call.state];
    if (failure !== undefined) throw new Thrown(failure);
    return answer(world, call, done);
  };
};

const answer = (world: World, { state, operation, payload }: Call, done: (state: string) => boolean): unknown => {
  const step = String(payload.step);
  const answers: Readonly<Record<string, () => unknown>> = {
    reserve: () => ({ outcome: 'reserved', worker: { ...WORKER, role: world.role ?? 'lighthouse' } }),
    find: () => (world.homelab === false ? { instanceId: '', instanceArn: '' } : HOMELAB),
    cluster: () => ({ joinable: done(state), server: SERVER }),
    advance: () => ({ name: 'w1', generation: 'mbdefghi', phase: payload.phase }),
    recordFailure: () => ({ recorded: true }),
    fence: () => ({ ...FENCED, ...world.fenced }),
    releaseAddress: () => ({ released: true }),
    markRemoved: () => ({ removed: true }),
    issue: () => ({ secretArn: 'arn', versionId: 'v', fingerprint: 'f', notAfter: '2030-01-01T00:00:00Z' }),
    revoke: () => ({ revoked: [], secret: 'deleted' }),
    openHandover: () => ({ secretId: `catalyst-llm/handover-w1-${String(payload.purpose)}` }),
    closeHandover: () => ({ deleted: [] }),
    launch: () => INSTANCE,
    online: () => ({ online: done(state) }),
    start: () => ({ commandId: '11111111-2222-3333-4444-555555555555' }),
    poll: () => {
      const ended = done(state);
      return { done: ended, result: ended ? { step, ok: true, rc: 0, tail: '', ...RESULTS[step] } : {} };
    },
    cancel: () => ({ cancelled: true }),
    terminate: () => ({ instanceIds: [INSTANCE.instanceId] }),
    terminated: () => ({ gone: done(state) }),
    prove: () => ({ clean: done(state), checked: ['instances'], leftovers: [] }),
    deregister: () => ({ outcome: 'deregistered', snapshots: [] }),
  };
  const given = answers[operation];
  if (given === undefined) throw new TypeError(`nobody answers ${operation} of ${state}`);
  return given();
};
