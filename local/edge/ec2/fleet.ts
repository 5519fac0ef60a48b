import { createHash } from 'node:crypto';
import { AL2023_PARAMETER, type Market } from '#contract';
import { AwsRefusal } from '../protocol/refusal.ts';
import { newId } from './ids.ts';
import type { Instance, Tags } from './instance.ts';
import type { Ec2Model, LaunchSpec, Subnet } from './model.ts';
import { isOffered } from './offerings.ts';
import type { LaunchSources, Template } from './template.ts';

/** An instant fleet tries this many pools and answers the rest with UnfulfillableCapacity, untried. */
const POOLS_TRIED = 3;
/** Resource types an instant fleet tags; a network interface is not among them. */
const TAGGABLE = ['fleet', 'instance', 'volume'];
/** Tags in instance metadata admit no blank and no slash in a key. */
const METADATA_TAG_KEY = /^[A-Za-z0-9+\-=.,_:@]{1,128}$/;

export interface PoolRequest {
  readonly instanceType: string | undefined;
  readonly subnetId: string | undefined;
  readonly imageId: string | undefined;
  readonly priority: number | undefined;
}

export interface FleetRequest {
  readonly clientToken: string;
  readonly market: Market;
  readonly template: { readonly id: string | undefined; readonly name: string | undefined; readonly version: string };
  readonly pools: readonly PoolRequest[];
  readonly tags: Readonly<Record<string, Tags>>;
  /** The request without its token: a repeat must equal it. */
  readonly fingerprint: string;
}

export interface FleetError {
  readonly code: string;
  readonly message: string;
  readonly pool: PoolRequest;
}

export interface FleetResult {
  readonly fleetId: string;
  readonly template: { readonly id: string; readonly version: string };
  readonly market: Market;
  readonly instance: Instance | undefined;
  readonly pool: PoolRequest | undefined;
  readonly errors: readonly FleetError[];
}

/** An error that tests want for pools `type/zone`; `*` stands for any part. */
export interface PoolFault {
  readonly code: string;
  readonly pools: readonly string[];
}

const matchesPool = (pattern: string, instanceType: string, zone: string): boolean => {
  const [type = '*', place = '*'] = pattern.split('/');
  return (type === '*' || type === instanceType) && (place === '*' || place === zone);
};

const checkTagSpecifications = (request: FleetRequest): void => {
  const wrong = Object.keys(request.tags).find((resource) => !TAGGABLE.includes(resource));
  if (wrong !== undefined) {
    throw new AwsRefusal(
      'InvalidParameterValue',
      `'${wrong}' is not a valid taggable resource type for this operation.`,
    );
  }
};

/** Reason why this template and these tags make any launch fail, whatever the pool. */
const launchObstacle = (template: Template, request: FleetRequest): FleetError['message'] | undefined => {
  const tags = { ...template.tags.instance, ...request.tags.instance };
  const badKey = Object.keys(tags).find((key) => !METADATA_TAG_KEY.test(key));
  if (template.metadata.instanceMetadataTags === 'enabled' && badKey !== undefined) {
    return `'${badKey}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255})`;
  }
  if (request.market === 'on-demand' && template.tags['spot-instances-request'] !== undefined) {
    return "'spot-instances-request' is not a valid taggable resource type for this operation.";
  }
  return undefined;
};

/** Amazon's own parameters are no one else's to write, so the emulator holds none. */
const lookUp = async (parameter: string, { model, sources }: ImageSources): Promise<string | undefined> =>
  parameter === AL2023_PARAMETER ? model.images.amazonLinux()?.imageId : sources.parameter(parameter);

const resolveImage = async (imageId: string, from: ImageSources): Promise<string> => {
  const parameter = imageId.startsWith('resolve:ssm:') ? imageId.slice('resolve:ssm:'.length) : undefined;
  if (parameter === undefined) return imageId;
  const value = await lookUp(parameter, from);
  if (value === undefined) {
    throw new AwsRefusal('InvalidParameterValue', `The SSM parameter '${parameter}' could not be found`);
  }
  return value;
};

interface ImageSources {
  readonly model: Ec2Model;
  readonly sources: LaunchSources;
}

interface Attempt extends ImageSources {
  readonly request: FleetRequest;
  readonly template: Template;
  readonly faults: readonly PoolFault[];
}

const launchSpec = (attempt: Attempt, instanceType: string, imageId: string, subnet: Subnet): LaunchSpec => {
  const { template, request } = attempt;
  return {
    instanceType,
    imageId,
    subnet,
    market: request.market,
    clientToken: request.clientToken,
    userData: template.userData,
    metadata: template.metadata,
    instanceTags: { ...template.tags.instance, ...request.tags.instance },
    volumeTags: { ...template.tags.volume, ...request.tags.volume },
    networkInterfaceTags: template.tags['network-interface'] ?? {},
    securityGroupIds: template.securityGroupIds,
    instanceProfileArn: template.instanceProfileArn,
    blockDevices: template.blockDevices,
  };
};

/** Tries one pool: the instance, or why there is none. */
const tryPool = async (attempt: Attempt, pool: PoolRequest): Promise<Instance | FleetError> => {
  const { model, sources, template, request, faults } = attempt;
  const refuse = (code: string, message: string): FleetError => ({ code, message, pool });
  const instanceType = pool.instanceType ?? template.instanceType;
  const subnet = pool.subnetId === undefined ? undefined : await sources.subnet(pool.subnetId);
  if (subnet === undefined)
    return refuse('InvalidSubnetID.NotFound', `The subnet ID '${pool.subnetId}' does not exist`);
  const fault = faults.find(({ pools }) =>
    pools.some((pattern) => matchesPool(pattern, instanceType, subnet.availabilityZone)),
  );
  if (fault !== undefined)
    return refuse(fault.code, `${fault.code} in ${subnet.availabilityZone}, injected by the edge`);
  if (!isOffered(instanceType, subnet.availabilityZone)) {
    return refuse(
      'InvalidFleetConfiguration',
      `Your requested instance type (${instanceType}) is not supported in your requested Availability Zone (${subnet.availabilityZone}).`,
    );
  }
  const imageId = await resolveImage(pool.imageId ?? template.imageId, attempt);
  if (model.images.find(imageId) === undefined) {
    return refuse('InvalidAMIID.NotFound', `The image id '[${imageId}]' does not exist`);
  }
  const obstacle = launchObstacle(template, request);
  if (obstacle !== undefined) return refuse('InvalidParameterValue', obstacle);
  return model.launch(launchSpec(attempt, instanceType, imageId, subnet));
};

const isError = (outcome: Instance | FleetError): outcome is FleetError => 'code' in outcome;

const untried = (pool: PoolRequest): FleetError => ({
  code: 'UnfulfillableCapacity',
  message: 'Unable to fulfill capacity due to your request configuration. Please adjust your request and try again.',
  pool,
});

const launchFirst = async (attempt: Attempt, pools: readonly PoolRequest[]) => {
  const errors: FleetError[] = [];
  for (const pool of pools.slice(0, POOLS_TRIED)) {
    const outcome = await tryPool(attempt, pool);
    if (!isError(outcome)) return { instance: outcome, pool, errors };
    errors.push(outcome);
  }
  return { instance: undefined, pool: undefined, errors: [...errors, ...pools.slice(POOLS_TRIED).map(untried)] };
};

/** Instant fleets of one instance, with EC2's idempotency: the token decides, even after the instance is long gone. */
export class FleetDesk {
  readonly #model: Ec2Model;
  readonly #sources: LaunchSources;
  readonly #answers = new Map<string, { fingerprint: string; result: Promise<FleetResult> }>();

  constructor(model: Ec2Model, sources: LaunchSources) {
    this.#model = model;
    this.#sources = sources;
  }

  /** @throws AwsRefusal IdempotentParameterMismatch, InvalidLaunchTemplateId.NotFound, InvalidParameterValue */
  async create(request: FleetRequest, faults: readonly PoolFault[]): Promise<FleetResult> {
    const fingerprint = createHash('sha256').update(request.fingerprint).digest('hex');
    const earlier = this.#answers.get(request.clientToken);
    if (request.clientToken !== '' && earlier !== undefined) {
      if (earlier.fingerprint === fingerprint) return await earlier.result;
      throw new AwsRefusal(
        'IdempotentParameterMismatch',
        'The client token you have provided is already associated with a request that has different parameters',
      );
    }
    const result = this.#launch(request, faults);
    this.#answers.set(request.clientToken, { fingerprint, result });
    try {
      return await result;
    } catch (error) {
      this.#answers.delete(request.clientToken);
      throw error;
    }
  }

  async #launch(request: FleetRequest, faults: readonly PoolFault[]): Promise<FleetResult> {
    checkTagSpecifications(request);
    const template = await this.#sources.template(request.template);
    const pools = [...request.pools].sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0));
    const attempt = { model: this.#model, sources: this.#sources, request, template, faults };
    return {
      fleetId: newId('fleet'),
      template: { id: template.templateId, version: template.version },
      market: request.market,
      ...(await launchFirst(attempt, pools)),
    };
  }
}
