import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create, type DescField, type DescMessage, fromBinary, ScalarType, toBinary } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import {
  AgentControl,
  file_ec2agent_v1_agent,
  NodeStatusSchema,
} from '../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import {
  ENUM_NAMES,
  fieldsOf,
  MESSAGE_NAMES,
  METHODS,
  type MessageName,
  SERVICE,
  valuesOf,
  type WireField,
} from './support/contract.ts';
import { peerDecode, peerEncode } from './support/peer-types.ts';
import { alternativesOf, type Flavour, sample } from './support/samples.ts';

/** Numbers from here on are ours; below, nothing is but what others gave. */
const OURS_FROM = 100;

const golden: Record<string, string> = JSON.parse(
  await readFile(join(import.meta.dirname, '../../golden/agent/wire.json'), 'utf8'),
);

function messageNamed(name: string): DescMessage {
  const message = file_ec2agent_v1_agent.messages.find((each) => each.name === name);
  if (message === undefined) throw new Error(`agent.proto has no message ${name}`);
  return message;
}

function typeName(field: DescField): string {
  if (field.fieldKind === 'map') return `map of ${field.mapKind}`;
  if (field.enum !== undefined) return field.enum.name;
  if (field.message !== undefined) return field.message.name;
  return ScalarType[field.scalar].toLowerCase();
}

function asWireField(field: DescField): WireField {
  const { number, name } = field;
  if (field.fieldKind === 'map') return { number, name, type: 'string', kind: 'map' };
  const kind = field.fieldKind === 'list' ? 'rep' : field.oneof === undefined ? 'single' : 'one';
  return { number, name, type: typeName(field), kind };
}

const cases = MESSAGE_NAMES.flatMap((name) =>
  (['usual', 'extreme'] as const).flatMap((flavour) =>
    alternativesOf(name).map((alternative) => ({
      name,
      flavour,
      alternative,
      title: [name, alternative, flavour].filter((part) => part !== undefined).join(' '),
    })),
  ),
);

const bytesOf = (each: { name: MessageName; flavour: Flavour; alternative: string | undefined }): Buffer =>
  peerEncode(each.name, sample(each.name, each.flavour, each.alternative));

describe('agent.proto and what is known of the wire', () => {
  it.each(MESSAGE_NAMES)('%s: numbers, names and types are those', (name) => {
    const theirs = messageNamed(name)
      .fields.filter((field) => field.number < OURS_FROM)
      .map(asWireField);
    expect(theirs).toEqual(fieldsOf(name));
  });

  it.each(ENUM_NAMES)('%s: values are those', (name) => {
    const found = file_ec2agent_v1_agent.enums.find((each) => each.name === name);
    expect(Object.fromEntries(found?.values.map((value) => [value.name, value.number]) ?? [])).toEqual(valuesOf(name));
  });

  it('has the calls that are known, at their paths, and no other', () => {
    expect(AgentControl.typeName).toBe(SERVICE);
    const calls = AgentControl.methods.map(({ name, input, output, methodKind }) => [
      name,
      { takes: input.name, gives: output.name, stream: methodKind === 'bidi_streaming' },
    ]);
    expect(Object.fromEntries(calls)).toEqual(METHODS);
  });
});

describe('bytes', () => {
  it.each(cases)('$title: those of the peer are those written down', (each) => {
    expect(bytesOf(each).toString('hex')).toBe(golden[each.title]);
  });

  it('there is nothing written down that is not compared', () => {
    expect(Object.keys(golden)).toEqual(cases.map((each) => each.title));
  });

  it.each(cases)('$title: our code understands every field and writes the same bytes', (each) => {
    const bytes = bytesOf(each);
    const message = fromBinary(messageNamed(each.name), bytes);
    expect(message.$unknown).toBeUndefined();
    expect(Buffer.from(toBinary(messageNamed(each.name), message)).toString('hex')).toBe(bytes.toString('hex'));
  });

  it.each(cases)('$title: the peer reads back what our code wrote', (each) => {
    const ours = toBinary(messageNamed(each.name), fromBinary(messageNamed(each.name), bytesOf(each)));
    expect(peerDecode(each.name, ours)).toMatchObject(sample(each.name, each.flavour, each.alternative));
  });

  it.each(MESSAGE_NAMES)('%s: our code skips what a later peer sends', (name) => {
    const message = fromBinary(messageNamed(name), peerEncode(name, { ...sample(name), later: true }));
    expect(message).toMatchObject({ ...fromBinary(messageNamed(name), peerEncode(name, sample(name))) });
    expect(message.$unknown?.map((field) => field.no)).toEqual([50, 51, 52, 53, 2_000]);
  });

  it('the peer skips what is ours', () => {
    const at = timestampNow();
    const ours = create(NodeStatusSchema, {
      bootTimeline: [{ mark: 'mesh', at }],
      interruption: { action: 'terminate', time: at },
      busyWith: 'ollama',
    });
    const theirs = peerEncode('NodeStatus', sample('NodeStatus'));
    // The bytes of two messages behind each other are those of both in one.
    const both = Buffer.concat([theirs, toBinary(NodeStatusSchema, ours)]);

    expect(fromBinary(NodeStatusSchema, both)).toMatchObject({ nodeId: 'node_id 1', busyWith: 'ollama' });
    expect(peerDecode('NodeStatus', both)).toEqual(peerDecode('NodeStatus', theirs));
  });

  it.each(MESSAGE_NAMES)('%s: nothing is sent for zero values', (name) => {
    expect(toBinary(messageNamed(name), fromBinary(messageNamed(name), new Uint8Array()))).toHaveLength(0);
  });
});
