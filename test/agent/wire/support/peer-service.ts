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
