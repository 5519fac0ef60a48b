import * as z from 'zod';
import { AwsRefusal } from '../protocol/refusal.ts';
import type { Activation, Activations } from './activations.ts';
import type { SsmModel } from './model.ts';
import { slice } from './pages.ts';

const TagList = z.array(z.object({ Key: z.string().min(1), Value: z.string() })).default([]);

const CreateActivation = z.object({
  Description: z.string().max(256).default(''),
  DefaultInstanceName: z.string().max(256).default(''),
  IamRole: z.string().min(1).max(64),
  RegistrationLimit: z.number().int().min(1).max(1_000).default(1),
  /** Epoch seconds, as the JSON protocol writes instants. */
  ExpirationDate: z.number().optional(),
  Tags: TagList,
});
const DescribeActivations = z.object({
  Filters: z.array(z.object({ FilterKey: z.string(), FilterValues: z.array(z.string()) })).default([]),
  MaxResults: z.number().int().optional(),
  NextToken: z.string().optional(),
});
const DeleteActivation = z.object({ ActivationId: z.string() });
const DeregisterManagedInstance = z.object({ InstanceId: z.string() });
const Resource = z.object({ ResourceType: z.string(), ResourceId: z.string() });
const AddTags = Resource.extend({ Tags: TagList });
const RemoveTags = Resource.extend({ TagKeys: z.array(z.string()) });

export interface HybridParts {
  readonly model: SsmModel;
  readonly activations: Activations;
  /** The machine's agent is cut off for good. */
  readonly deregistered: (instanceId: string) => void;
}

type Handler = (parts: HybridParts, input: unknown) => unknown;

const parse = <T extends z.ZodType>(schema: T, input: unknown): z.output<T> => {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new AwsRefusal('ValidationException', z.prettifyError(parsed.error));
};

const tagList = (tags: Readonly<Record<string, string>>) =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
const tagRecord = (list: z.output<typeof TagList>): Record<string, string> =>
  Object.fromEntries(list.map(({ Key, Value }) => [Key, Value]));

const FILTERED: Readonly<Record<string, (activation: Activation) => string>> = {
  ActivationIds: ({ activationId }) => activationId,
  DefaultInstanceName: ({ instanceName }) => instanceName,
  IamRole: ({ iamRole }) => iamRole,
};

const create: Handler = ({ activations }, input) => {
  const request = parse(CreateActivation, input);
  const { activationId, code } = activations.create({
    description: request.Description,
    instanceName: request.DefaultInstanceName,
    iamRole: request.IamRole.replace(/^service-role\//, ''),
    registrationLimit: request.RegistrationLimit,
    expiresAt: request.ExpirationDate === undefined ? undefined : request.ExpirationDate * 1_000,
    tags: tagRecord(request.Tags),
  });
  return { ActivationId: activationId, ActivationCode: code };
};

const describe: Handler = ({ activations }, input) => {
  const { Filters, MaxResults, NextToken } = parse(DescribeActivations, input);
  const unknown = Filters.find(({ FilterKey }) => !Object.hasOwn(FILTERED, FilterKey));
  if (unknown !== undefined) throw new AwsRefusal('InvalidFilter', `The filter key ${unknown.FilterKey} is not valid`);
  const chosen = activations
    .list()
    .filter((one) =>
      Filters.every(({ FilterKey, FilterValues }) => FilterValues.includes(FILTERED[FilterKey]?.(one) ?? '')),
    );
  const { items, nextToken } = slice(chosen, MaxResults, NextToken);
  const ActivationList = items.map((one) => ({
    ActivationId: one.activationId,
    Description: one.description,
    DefaultInstanceName: one.instanceName,
    IamRole: one.iamRole,
    RegistrationLimit: one.registrationLimit,
    RegistrationsCount: one.registrations,
    ExpirationDate: one.expiresAt / 1_000,
    Expired: activations.isExpired(one),
    CreatedDate: one.createdAt / 1_000,
    Tags: tagList(one.tags),
  }));
  return { ActivationList, NextToken: nextToken };
};

const HANDLERS: Readonly<Record<string, Handler>> = {
  CreateActivation: create,
  DescribeActivations: describe,
  DeleteActivation: ({ activations }, input) => {
    activations.delete(parse(DeleteActivation, input).ActivationId);
    return {};
  },
  DeregisterManagedInstance: ({ model, deregistered }, input) => {
    const { InstanceId } = parse(DeregisterManagedInstance, input);
    model.deregister(InstanceId);
    deregistered(InstanceId);
    return {};
  },
  AddTagsToResource: ({ model }, input) => {
    const { ResourceId, Tags } = parse(AddTags, input);
    const instance = model.hybridInstance(ResourceId);
    instance.tags = { ...instance.tags, ...tagRecord(Tags) };
    return {};
  },
  RemoveTagsFromResource: ({ model }, input) => {
    const { ResourceId, TagKeys } = parse(RemoveTags, input);
    const instance = model.hybridInstance(ResourceId);
    instance.tags = Object.fromEntries(Object.entries(instance.tags).filter(([key]) => !TagKeys.includes(key)));
    return {};
  },
  ListTagsForResource: ({ model }, input) => ({
    TagList: tagList(model.hybridInstance(parse(Resource, input).ResourceId).tags),
  }),
};

/** Tags of anything but managed nodes are the emulator's business. */
const isOurs = (action: string, input: unknown): boolean => {
  if (!action.endsWith('Resource')) return true;
  const resource = Resource.safeParse(input);
  return resource.success && resource.data.ResourceType === 'ManagedInstance';
};

/** The actions of Systems Manager about machines outside EC2. */
export class HybridApi {
  readonly #parts: HybridParts;

  constructor(parts: HybridParts) {
    this.#parts = parts;
  }

  answers(action: string, input: unknown): boolean {
    return Object.hasOwn(HANDLERS, action) && isOurs(action, input);
  }

  /** @throws AwsRefusal */
  handle(action: string, input: unknown): unknown {
    return HANDLERS[action]?.(this.#parts, input);
  }
}
