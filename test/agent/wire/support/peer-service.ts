import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { METHODS, type MessageName, SERVICE } from './contract.ts';
import { type PeerMessage, peerDecode, peerEncode } from './peer-types.ts';

type PeerMethod = MethodDefinition<PeerMessage, PeerMessage>;

function definition(name: string, takes: MessageName, gives: MessageName, stream: boolean): PeerMethod {
  return {
    path: `/${SERVICE}/${name}`,
    requestStream: stream,
    responseStream: stream,
    requestSerialize: (message) => peerEncode(takes, message),
    requestDeserialize: (bytes) => peerDecode(takes, bytes),
    responseSerialize: (message) => peerEncode(gives, message),
    responseDeserialize: (bytes) => peerDecode(gives, bytes),
  };
}

/** The service as @grpc/grpc-js wants it, made from the contract. */
export const PEER_SERVICE: ServiceDefinition = Object.fromEntries(
  Object.entries(METHODS).map(([name, { takes, gives, stream }]) => [name, definition(name, takes, gives, stream)]),
);

/** Answers to `until` as soon as it gives something, within a limit; made anew each few milliseconds. */
export async function eventually<T>(what: string, until: () => T | undefined | false, limitMs = 15_000): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const found = until();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
