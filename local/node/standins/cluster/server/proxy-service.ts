import { exchange } from '../client/exchange.ts';
import { isDict, textAt } from '../object.ts';
import { readKnob } from '../place.ts';
import type { ApiRequest, ApiResponse } from './api.ts';
import type { Cluster } from './cluster.ts';
import type { Route } from './route.ts';
import { notFound, StatusError } from './status.ts';

/** Says on a Service where what it stands for really answers, as `host:port`. */
export const PROXY_ANNOTATION = 'standins.carrierarr.io/proxy-to';

const knownTargets = (): Record<string, unknown> => {
  try {
    const parsed: unknown = JSON.parse(readKnob('kube/proxy.json') ?? '{}');
    return isDict(parsed) ? parsed : {};
  } catch {
    return {};
  }
};

/** `services/http:name:8090/proxy/path`: the knob `proxy.json` (`namespace/name:port` to `host:port`) or the annotation. */
export const proxyToService = async (
  cluster: Cluster,
  request: ApiRequest,
  route: Route,
  reference: string,
): Promise<ApiResponse> => {
  const parts = reference.split(':');
  const [name = '', port = ''] = parts.length === 3 ? parts.slice(1) : parts;
  const service = cluster.find(route.resource, route.namespace, name);
  if (service === undefined) throw notFound('services', name);
  const target =
    textAt(knownTargets(), `${route.namespace}/${name}:${port}`) ||
    textAt(service, 'metadata', 'annotations', PROXY_ANNOTATION);
  if (target === '') {
    throw new StatusError(503, 'ServiceUnavailable', `no endpoints available for service "${name}"`);
  }
  const [host = '', targetPort = '80'] = target.split(':');
  const search = request.query.size === 0 ? '' : `?${request.query.toString()}`;
  try {
    const { status, text } = await exchange({
      method: request.method,
      host,
      port: Number(targetPort),
      path: `${route.rest}${search}`,
      place: 'homelab-host',
    });
    return { status, body: text };
  } catch (error) {
    throw new StatusError(503, 'ServiceUnavailable', `error trying to reach service: ${String(error)}`);
  }
};
