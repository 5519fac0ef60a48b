import type { IncomingHttpHeaders } from 'node:http';

/** What an AWS request says about itself before anything of it is interpreted. */
export interface ApiCall {
  /** Signing name of the service, e.g. `ec2`; `unknown` for an unsigned request. */
  readonly service: string;
  /** API action, e.g. `CreateFleet`; method and path where the protocol has no action name. */
  readonly action: string;
  /** Empty for an unsigned request. */
  readonly accessKeyId: string;
  readonly protocol: 'query' | 'json' | 'cbor' | 'rest';
}

const SCOPE = /Credential=([^/,\s]+)\/[0-9]{8}\/([^/]+)\/([^/]+)\/aws4_request/;
const RPC_PATH = /^\/service\/[^/]+\/operation\/([A-Za-z]+)/;

const text = (header: string | string[] | undefined): string => (Array.isArray(header) ? header[0] : header) ?? '';

/** Key id and service of the signature, in the header or in a presigned address. */
const signature = (headers: IncomingHttpHeaders, url: URL): { accessKeyId: string; service: string } => {
  const inHeader = SCOPE.exec(text(headers.authorization));
  const credential = url.searchParams.get('X-Amz-Credential')?.split('/') ?? [];
  return {
    accessKeyId: inHeader?.[1] ?? credential[0] ?? '',
    service: inHeader?.[3] ?? credential[3] ?? 'unknown',
  };
};

/** Whether the body must be read before the service and action are known or may be needed by the edge itself. */
export const hasActionInBody = (headers: IncomingHttpHeaders): boolean =>
  text(headers['content-type']).startsWith('application/x-www-form-urlencoded');

/** Reads service and action from headers, address and, for the query protocols, the body. */
export const describeCall = (method: string, path: string, headers: IncomingHttpHeaders, body: string): ApiCall => {
  const url = new URL(path, 'http://edge.invalid');
  const signed = signature(headers, url);
  const target = text(headers['x-amz-target']);
  if (target !== '') return { ...signed, action: target.slice(target.lastIndexOf('.') + 1), protocol: 'json' };
  const rpc = RPC_PATH.exec(url.pathname)?.[1];
  if (rpc !== undefined) return { ...signed, action: rpc, protocol: 'cbor' };
  if (hasActionInBody(headers)) {
    const action = new URLSearchParams(body).get('Action');
    if (action !== null) return { ...signed, action, protocol: 'query' };
  }
  return { ...signed, action: `${method} ${url.pathname}`, protocol: 'rest' };
};
