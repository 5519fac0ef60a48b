import * as z from 'zod';
import { FLEET_NAME_PATTERN, InstanceType, Market, NodeStart, PORTS, STEPS } from '#contract';
import { address, cidr, endpoint, meshGroup, pem, text, zone } from './fields.ts';
import { Agent, Cilium, Cluster, Homelab, K3s, Liqo } from './schema-cluster.ts';
import { Images } from './schema-images.ts';

/**
 * The one typed schema of the configuration. Defaults stand in `defaults.ts`; the descriptions here become
 * `docs/configuration.md`.
 */
const operatorPorts = PORTS.filter((rule) => rule.securityGroup === 'operator-cidrs').map((rule) => rule.id);

/** What may be acknowledged: see `warnings.ts`. */
export const WARNINGS = [
  'homelab-trust',
  'mesh-in-homelab-services',
  'small-lighthouse',
  'foreign-instance-profile',
  'mesh-nodes',
  'foreign-mtu',
  'in-band',
  'nvidia-end-of-life',
  'plain-start',
  'short-ready',
  'agents-without-token',
  'hasty-idle',
  'idle-unheard',
] as const;
export type WarningId = (typeof WARNINGS)[number];

/** The retentions CloudWatch Logs knows. */
const LOG_RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827] as const;

const Mesh = z.strictObject({
  cidr: cidr.describe('The Nebula overlay, of private addresses. Every certificate carries this mask'),
  firstWorkerAddress: address.describe('First mesh address handed to a worker; allocation runs upwards'),
  lighthouse: z.strictObject({
    address: address.describe("The homelab lighthouse's mesh address"),
    endpoint: endpoint.describe('Where workers reach the lighthouse from outside'),
  }),
  trustedCas: z
    .array(pem)
    .describe("PEM of the CAs the homelab already trusts. Without the homelab's own CA no worker ever handshakes"),
  certificateDays: z.number().min(1).max(365).describe("Life of a worker's certificate; renewed from half of it on"),
  addressCooldownSeconds: z
    .int()
    .min(0)
    .describe('How long a freed address stays unused: peers still accept its old certificate'),
  ca: z.strictObject({
    signer: z
      .enum(['kms', 'secret'])
      .describe('`kms`: the CA key is made in KMS and never leaves it. `secret`: the key of an existing CA'),
    name: text.max(253).describe("The CA certificate's name"),
    groups: z.array(meshGroup).describe('The only groups the CA may certify; empty for any'),
    days: z.int().min(30).max(3650).describe('Life of the CA certificate'),
    keyArn: text
      .regex(/^arn:aws[a-z-]*:kms:/, { error: 'the ARN of a KMS key' })
      .optional()
      .describe('Signer `kms`: a CA key kept from an earlier deploy, to be used again'),
    secretArn: text
      .regex(/^arn:aws[a-z-]*:secretsmanager:/, { error: 'the ARN of a secret' })
      .optional()
      .describe('Signer `secret`: a secret of your own, `{"ca_key": <text of ca.key, not encrypted>}`'),
    certificate: pem.optional().describe('Signer `secret`: the PEM certificate that belongs to that key'),
  }),
});

const Network = z.strictObject({
  zones: z.array(zone).min(1).describe('Availability zones in which workers may run'),
  vpcCidr: cidr.describe("Range of the VPC: the fleet's own, or that of the existing one"),
  vpcId: text
    .regex(/^vpc-[0-9a-f]{8,17}$/, { error: 'a VPC id such as vpc-0abc1234' })
    .optional()
    .describe('An existing VPC. Absent: the fleet makes its own, public subnets only, no NAT'),
  subnetIds: z
    .array(z.string().regex(/^subnet-[0-9a-f]{8,17}$/, { error: 'a subnet id such as subnet-0abc1234' }))
    .min(1)
    .optional()
    .describe('With `vpcId`: its public subnets, one per zone and in the same order'),
  operatorCidrs: z
    .partialRecord(z.enum(operatorPorts), z.array(cidr))
    .describe(`Ranges that may reach a port through the security group, by port: ${operatorPorts.join(', ')}`),
});

const RoleConfig = z.strictObject({
  instanceTypes: z.array(InstanceType).min(1).describe('Instance types in order of preference'),
  market: Market.describe('Market asked first'),
  onDemandFallback: z.boolean().describe('Whether Spot may fall back to on-demand'),
  groups: z.array(meshGroup).min(1).describe("Mesh groups of the worker's certificate"),
  rootVolumeGib: z.int().min(8).max(1024).describe('Size of the encrypted gp3 root volume'),
});

const Nodes = z.strictObject({
  start: NodeStart.describe(
    "`image`: workers boot the fleet's images. `plain`: they boot Amazon Linux 2023 and install everything themselves, which takes minutes; wants `limits.bootSeconds` from 600 on",
  ),
  volumeInitializationRateMib: z
    .union([z.literal(0), z.int().min(100).max(300)])
    .describe('MiB/s at which EBS fills a volume from its snapshot, 100 to 300 (charged); 0 leaves it lazy'),
  keyPair: text.max(255).optional().describe("An EC2 key pair (the seed's was `hybrid-llm-key`). Absent: none"),
  instanceProfile: z
    .strictObject({
      name: text.describe('Its name'),
      roleArn: text
        .regex(/^arn:aws[a-z-]*:iam::[0-9]{12}:role\//, { error: 'the ARN of a role' })
        .describe('The ARN of its role, which LaunchInstance passes'),
    })
    .optional()
    .describe("An existing instance profile (the seed's was `catalyst-llm-gpu-worker`). Absent: the fleet's own"),
});

/** The step itself must end before Systems Manager ends it, or its words are lost. */
const BOOT_MARGIN_SECONDS = 20;

const Limits = z.strictObject({
  ssmOnlineSeconds: z.int().min(30).max(900).describe('From launch until Systems Manager sees the instance'),
  bootSeconds: z
    .int()
    .min(10)
    .max(STEPS['await-boot'].timeoutSeconds - BOOT_MARGIN_SECONDS)
    .describe("From then on until the boot program's own verdict"),
  clusterSeconds: z
    .int()
    .min(0)
    .max(3600)
    .describe('How long a gpu-worker waits, before anything costs, for a lighthouse that is still being made'),
  readySeconds: z
    .int()
    .min(600)
    .max(86_400)
    .describe(
      'From the first boot until the worker is in service; one that is not by then powers itself off, which terminates it',
    ),
  terminateSeconds: z.int().min(30).max(1800).describe('From the call until EC2 says `terminated`'),
  sweepMinimumAgeSeconds: z.int().min(0).describe('Younger instances and secrets are left alone by the sweeper'),
});

const Operations = z.strictObject({
  logRetentionDays: z.literal(LOG_RETENTION_DAYS).describe('Days the logs are kept'),
  coldStartMetrics: z
    .boolean()
    .describe('Whether each cold start goes to CloudWatch as metrics, four for each role (ten in an account are free)'),
  alarmEmail: z.email().optional().describe('Address that hears of alarms; it must confirm once. Absent: topic only'),
});

export const Config = z.strictObject({
  fleet: z
    .string()
    .regex(FLEET_NAME_PATTERN, { error: '1 to 20 lower-case letters, digits, hyphens; starts with a letter' })
    .describe('Prefix of every name; two fleets with different names live side by side in one account'),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-[0-9]$/, { error: 'an AWS region such as us-west-2' })
    .describe('Where everything runs'),
  secretPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_.-]+)*$/, {
      error: 'letters, digits, dot, hyphen, underscore, inner slashes; starts with a letter or digit',
    })
    .describe('Secrets are `<prefix>/nebula-<worker>`'),
  acknowledge: z.array(z.enum(WARNINGS)).describe('Warnings you know of; they are shown as notes from then on'),
  mesh: Mesh,
  network: Network,
  cluster: Cluster,
  homelab: Homelab,
  controlPlane: endpoint.describe('Where worker agents register, on the mesh'),
  roles: z.strictObject({ lighthouse: RoleConfig, 'gpu-worker': RoleConfig }),
  nodes: Nodes,
  limits: Limits,
  operations: Operations,
  k3s: K3s,
  cilium: Cilium,
  liqo: Liqo,
  agent: Agent,
  images: Images,
});
export type Config = z.infer<typeof Config>;

/** Ports that the configuration moves, by the id of their row in the port table. */
export const configuredPort = (config: Config, id: string, fallback: number | 'any'): number | 'any' =>
  ({ clustermesh: config.cilium.clusterMeshPort, 'liqo-gateway': config.liqo.gatewayPort })[id] ?? fallback;
