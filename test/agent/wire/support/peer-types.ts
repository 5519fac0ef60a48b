import { Enum, Field, MapField, type Namespace, OneOf, Root, Type } from 'protobufjs/light.js';
import { ENUM_NAMES, fieldsOf, MESSAGE_NAMES, type MessageName, valuesOf, type WireField } from './contract.ts';

/** A message as the peer handles it: names as in the contract, 64-bit numbers as text. */
export type PeerMessage = { readonly [field: string]: unknown };

function fieldFrom(field: WireField): Field | MapField {
  if (field.kind === 'map') return new MapField(field.name, field.number, 'string', field.type);
  const type = field.type === 'Timestamp' ? 'google.protobuf.Timestamp' : field.type;
  return new Field(field.name, field.number, type, field.kind === 'rep' ? 'repeated' : undefined);
}

/** Makes types out of the contract alone; none of our generated code is looked at. */
export function peerRoot(): Root {
  const root = new Root();
  const timestamp = new Type('Timestamp').add(new Field('seconds', 1, 'int64')).add(new Field('nanos', 2, 'int32'));
  root.define('google.protobuf').add(timestamp);
  const space: Namespace = root.define('ec2agent.v1');
  for (const name of ENUM_NAMES) space.add(new Enum(name, valuesOf(name)));
  for (const name of MESSAGE_NAMES) {
    const type = new Type(name);
    const fields = fieldsOf(name);
    for (const field of fields) type.add(fieldFrom(field));
    const alternatives = fields.filter((field) => field.kind === 'one').map((field) => field.name);
    if (alternatives.length > 0) type.add(new OneOf('payload', alternatives));
    space.add(type);
  }
  return root;
}

const root = peerRoot();
const typeOf = (name: MessageName): Type => root.lookupType(`ec2agent.v1.${name}`);

/** Fields that a later version may have: numbers and kinds that the contract lacks, one of each encoding. */
export const LATER_FIELDS = Buffer.concat([
  Buffer.from([0x90, 0x03, 0x96, 0x01]), // 50, varint
  Buffer.from([0x99, 0x03, 1, 2, 3, 4, 5, 6, 7, 8]), // 51, 64 bits
  Buffer.from([0xa2, 0x03, 0x03, 0x6e, 0x65, 0x77]), // 52, text
  Buffer.from([0xad, 0x03, 1, 2, 3, 4]), // 53, 32 bits
  Buffer.from([0x82, 0x7d, 0x00]), // 2000, empty
]);

/** Bytes of a message, as the peer would send them; `later` puts fields behind it that nobody knows yet. */
export function peerEncode(name: MessageName, { later, ...message }: PeerMessage): Buffer {
  const type = typeOf(name);
  const bytes = type.encode(type.fromObject(message)).finish();
  return Buffer.concat(later === true ? [bytes, LATER_FIELDS] : [bytes]);
}

/** What the peer understands of bytes: all fields of the contract, missing ones as their zero values. */
export function peerDecode(name: MessageName, bytes: Uint8Array): PeerMessage {
  const type = typeOf(name);
  return type.toObject(type.decode(bytes), { longs: String, enums: String, defaults: true, oneofs: true });
}
