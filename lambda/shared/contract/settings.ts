import * as z from 'zod';
import { Market, NodeStart, Role } from './names.ts';

/**
 * The part of the configuration that Lambdas need, handed over as the JSON of one environment variable
 * (`FLEET_SETTINGS`). Nothing in it is secret. `lib/config.ts` derives it; no default lives here.
 */
const RoleSettings = z.object({
  /** EC2 instance types in order of preference. */
  instanceTypes: z.array(z.string()).min(1),
  market: Market,
  /** Whether a Spot request may fall back to on-demand. */
  onDemandFallback: z.boolean(),
  /** Mesh groups of the certificate, e.g. `workers`, `aws`. */
  groups: z.array(z.string()).min(1),
});

export const FleetSettings = z.object({
  fleet: z.string(),
  region: z.string(),
  mesh: z.object({
    cidr: z.string(),
    /** First address handed to a worker; allocation runs upwards from it within `cidr`. */
    firstWorkerAddress: z.string(),
    lighthouseAddress: z.string(),
    /** `host:port` that workers use to reach the lighthouse from outside. */
    lighthouseEndpoint: z.string(),
    /** A freed address stays unused this long: its old certificate is still valid for peers. */
    addressCooldownSeconds: z.number().int().nonnegative(),
    certificateDays: z.number().positive(),
    /** PEM certificates of the CAs the homelab already trusts; they travel in `nebula_ca_crt` beside ours. */
    trustedCas: z.array(z.string()),
  }),
  network: z.object({
    vpcCidr: z.string(),
    podCidr: z.string(),
    serviceCidr: z.string(),
    homelabPodCidr: z.string(),
    subnetIds: z.array(z.string()),
  }),
  cluster: z.object({
    /** Name of the cluster that a request means when it names none. */
    name: z.string(),
    kubeProxyReplacement: z.boolean(),
    /** Whose address a Kubernetes node has. */
    nodeNetwork: z.enum(['vpc', 'mesh']),
    /** k3s components left out. */
    disable: z.array(z.string()),
    gpuTaint: z.boolean(),
  }),
  secretPrefix: z.string(),
  controlPlane: z.string(),
  roles: z.record(Role, RoleSettings),
  nodes: z.object({ start: NodeStart }),
  agent: z.object({
    /** From when on an idle gpu-worker is torn down; 0 never. */
    idleMinutes: z.number().nonnegative(),
    /** How long before that it is warned of. */
    idleWarningMinutes: z.number().positive(),
  }),
  /** Whether cold starts are told to CloudWatch as metrics. */
  coldStartMetrics: z.boolean(),
  limits: z.object({
    ssmOnlineSeconds: z.number().int().positive(),
    bootSeconds: z.number().int().positive(),
    /** How long a gpu-worker waits, before it costs anything, for a server that is still being made. */
    clusterSeconds: z.number().int().positive(),
    terminateSeconds: z.number().int().positive(),
    /** Below this age the sweeper leaves an unknown instance or secret alone. */
    sweepMinimumAgeSeconds: z.number().int().nonnegative(),
  }),
});
export type FleetSettings = z.infer<typeof FleetSettings>;
