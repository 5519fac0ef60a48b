import { type KubeObject, textAt } from '../object.ts';

/** What a request is about, as far as a node's rights go. */
export interface Asked {
  readonly verb: string;
  readonly plural: string;
  readonly subresource: string | undefined;
  readonly name: string | undefined;
  readonly fieldSelector: string;
  /** The object as it stands, where there is one. */
  readonly object: KubeObject | undefined;
}

const PREFIX = 'system:node:';

/** The user that a kubelet is, which is its token here. */
export const nodeUser = (nodeName: string): string => `${PREFIX}${nodeName}`;

/** The node that calls; undefined where it is somebody else, who may do everything here. */
export const callingNode = (authorization: string): string | undefined =>
  authorization.startsWith(`Bearer ${PREFIX}`) ? authorization.slice(`Bearer ${PREFIX}`.length) : undefined;

const mayDoToNodes = (node: string, { verb, name, subresource }: Asked): boolean => {
  if (['get', 'list', 'create'].includes(verb)) return subresource === undefined;
  return (verb === 'patch' || verb === 'update') && name === node;
};

const mayDoToPods = (node: string, { verb, subresource, fieldSelector, object }: Asked): boolean => {
  if (verb === 'list') return fieldSelector.split(',').includes(`spec.nodeName=${node}`);
  const own = object === undefined || textAt(object, 'spec', 'nodeName') === node;
  if (subresource === 'eviction') return verb === 'create' && own;
  return (verb === 'get' || verb === 'delete') && subresource === undefined && own;
};

/**
 * What Kubernetes' node authorizer and the admission plugin NodeRestriction leave a kubelet, as far as our scripts go:
 * its own node, the pods that are bound to it, the eviction of those. The strictest reading, that of
 * AuthorizeNodeWithSelectors, on by default since 1.32.
 */
export const nodeMay = (node: string, asked: Asked): boolean => {
  if (asked.plural === 'nodes') return mayDoToNodes(node, asked);
  return asked.plural === 'pods' && mayDoToPods(node, asked);
};
