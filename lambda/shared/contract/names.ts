import * as z from 'zod';

/**
 * Names that more than one room must agree on. Every physical name starts with the fleet's name, so that two fleets
 * live side by side in one account and region.
 */

/**
 * Worker names: DNS label that leaves room for `-<generation>-t<attempt>` within the 80 characters of an execution
 * name.
 */
export const WORKER_NAME_PATTERN = /^[a-z][a-z0-9-]{0,46}[a-z0-9]$|^[a-z]$/;

export const FLEET_NAME_PATTERN = /^[a-z][a-z0-9-]{0,19}$/;

/** A generation is `Date.now().toString(36)` of the reservation that opened it. */
export const GENERATION_PATTERN = /^[0-9a-z]{6,12}$/;

export const ROLES = ['lighthouse', 'gpu-worker'] as const;
export const Role = z.enum(ROLES);
export type Role = z.infer<typeof Role>;

/** Machine images: one a role, and their common ground. */
export const IMAGES = ['base', ...ROLES] as const;
export const Image = z.enum(IMAGES);
export type Image = z.infer<typeof Image>;

/** Whether workers boot an image of the fleet's, or install themselves on Amazon Linux 2023. */
export const NODE_STARTS = ['image', 'plain'] as const;
export const NodeStart = z.enum(NODE_STARTS);
export type NodeStart = z.infer<typeof NodeStart>;

export const MARKETS = ['spot', 'on-demand'] as const;
export const Market = z.enum(MARKETS);
export type Market = z.infer<typeof Market>;

/**
 * Tag keys. Instance metadata forbids blanks and slashes in them (EC2 "Tag restrictions", instance tags in metadata).
 */
export const TAG = {
  fleet: 'carrierarr:fleet',
  worker: 'carrierarr:worker',
  role: 'carrierarr:role',
  execution: 'carrierarr:execution',
  generation: 'carrierarr:generation',
  /** On a worker's secret: the ARN of the one instance that may read it, or {@link UNBOUND}. */
  instance: 'carrierarr:instance',
  /**
   * For humans: an instance with this tag, and its secret, stays whatever the sweep thinks; an image is kept for good.
   */
  keep: 'carrierarr:keep',
  /** On a machine image: which of {@link IMAGES} it is. */
  image: 'carrierarr:image',
  /**
   * On a secret that hands a credential over: ARN of the one node that may write it. Its reader is
   * {@link TAG.instance}.
   */
  writer: 'carrierarr:writer',
} as const;

/**
 * Value of {@link TAG.keep} that `carrierarr ami publish` sets and takes away by itself; any other is somebody's will.
 */
export const KEPT_AS_PUBLISHED = 'published';

/** Value of {@link TAG.instance} until the instance exists: matches no `ec2:SourceInstanceARN`, so nobody can read. */
export const UNBOUND = 'unbound';

export const instanceNameTag = (worker: string): string => `carrierarr-${worker}`;

/** `<name>-<generation>`: unique per life of a worker, since Step Functions blocks a used name for 90 days. */
export const provisionExecutionName = (name: string, generation: string): string => `${name}-${generation}`;

export const teardownExecutionName = (name: string, generation: string, attempt: number): string =>
  `${name}-${generation}-t${attempt}`;

/** Secret of a worker's identity; the seed's `catalyst-llm/nebula-<name>`. */
export const secretName = (prefix: string, worker: string): string => `${prefix}/nebula-${worker}`;

/** Key by which the fleet signs what its agents show the control plane; not below the prefix that workers read. */
export const agentKeySecretName = (fleet: string): string => `${fleet}/agent-key`;

/** Secret through which the provider of a peering (or the offering side of a ClusterMesh) hands over its credential. */
export const handoverSecretName = (prefix: string, worker: string, purpose: string): string =>
  `${prefix}/handover-${worker}-${purpose}`;

/** What a credential is handed over for: peering with the provider on one side or the other, or ClusterMesh. */
export const HANDOVER_PURPOSES = ['aws', 'homelab', 'clustermesh'] as const;

/** Value of {@link TAG.role} on the homelab's own node. */
export const HOMELAB_ROLE = 'homelab';

/** Common name in the certificate of the homelab's control plane: what AWS lets put events on this fleet's bus. */
export const controlPlaneCommonName = (fleet: string): string => `${fleet}-control-plane`;

/** Name of a worker's Kubernetes node. */
export const nodeName = (worker: string): string => `carrierarr-${worker}`;

export const parameterName = {
  /** AMI id of an image, data type `aws:ec2:image`, written by the image pipelines. */
  ami: (fleet: string, image: Image): string => `/${fleet}/ami/${image}`,
  /** PEM of the CA certificate that belongs to one KMS key. */
  caCertificate: (fleet: string, keyId: string): string => `/${fleet}/mesh/${keyId}/ca.crt`,
};

/** Image Builder pipeline of an image. */
export const imagePipelineName = (fleet: string, image: Image): string => `${fleet}-${image}`;

/** Log group of an image's builds; Image Builder writes there by itself. */
export const imageLogGroupName = (fleet: string, image: Image): string =>
  `/aws/imagebuilder/${imagePipelineName(fleet, image)}`;

/** Amazon's own parameter with its newest Amazon Linux 2023: what images start from, and plain nodes. */
export const AL2023_PARAMETER = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64';

/** Parameter that a worker's launch takes its image from. */
export const launchImageParameter = (fleet: string, role: Role, start: NodeStart): string =>
  start === 'plain' ? AL2023_PARAMETER : parameterName.ami(fleet, role);

export const documentName = (fleet: string, step: string): string => `${fleet}-${step}`;
export const stateMachineName = (fleet: string, machine: 'provision' | 'teardown' | 'renew' | 'sweep'): string =>
  `${fleet}-${machine}`;
export const functionName = (fleet: string, capability: string): string => `${fleet}-${capability}`;
/** In the order in which they are deployed. */
export const STACKS = ['mesh', 'images', 'steps', 'fleet'] as const;
export const stackName = (fleet: string, stack: (typeof STACKS)[number]): string => `${fleet}-${stack}`;
