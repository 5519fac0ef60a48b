import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AgentControl,
  NodeStatusSchema,
  NodeType,
  RegisterRequestSchema,
} from '../../../agent/proto/generated/ec2agent/v1/agent_pb.js';

const run = promisify(execFile);
const proto = join(import.meta.dirname, '../../../agent/proto');
const binaries = join(import.meta.dirname, '../../../node_modules/.bin');

/** Buf comes as one binary per platform; where none fits, generated code is taken as it is. */
function bufIsHere(): boolean {
  try {
    const platform = process.platform === 'linux' && process.arch === 'arm64' ? 'linux-aarch64' : undefined;
    const buf = createRequire(createRequire(import.meta.url).resolve('@bufbuild/buf'));
    buf.resolve(`@bufbuild/buf-${platform ?? `${process.platform}-${process.arch}`}/package.json`);
    return true;
  } catch {
    return false;
  }
}

async function buf(directory: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH}` };
  const { stdout } = await run(join(binaries, 'buf'), args, { cwd: directory, env });
  return stdout;
}

async function contents(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = files.map(async (file) => [file.slice(directory.length), await readFile(file, 'utf8')] as const);
  return Object.fromEntries(await Promise.all(pairs));
}

const here = bufIsHere();
if (!here) {
  process.stderr.write(`SKIPPED: agent/proto is neither linted nor generated: no buf for ${process.arch}\n`);
}

describe.skipIf(!here)('the protocol’s sources', () => {
  let copy: string;

  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'carrierarr-proto-'));
    await cp(proto, copy, { recursive: true });
    await rm(join(copy, 'generated'), { recursive: true });
  });

  afterAll(async () => {
    await rm(copy, { recursive: true, force: true });
  });

  it('keep the rules of buf, but for the exceptions that are named', async () => {
    await expect(buf(copy, 'lint')).resolves.toBe('');
  });

  it('are formatted as buf formats', async () => {
    await expect(buf(copy, 'format', '--diff', '--exit-code')).resolves.toBe('');
  });

  it('give the code that is committed', async () => {
    await buf(copy, 'generate');
    expect(await contents(join(copy, 'generated'))).toEqual(await contents(join(proto, 'generated')));
  });
});

describe('the generated code', () => {
  it('carries a message from one side to the other', () => {
    const request = create(RegisterRequestSchema, { nodeId: 'ip-10-0-0-1', nodeType: NodeType.GPU_WORKER });
    const copy = fromBinary(RegisterRequestSchema, toBinary(RegisterRequestSchema, request));
    expect(copy).toEqual(request);
  });

  it('has the four calls of the service, one of them a stream both ways', () => {
    expect(AgentControl.typeName).toBe('ec2agent.v1.AgentControl');
    expect(AgentControl.methods.map((method) => [method.name, method.methodKind])).toEqual([
      ['Register', 'unary'],
      ['Connect', 'bidi_streaming'],
      ['Heartbeat', 'unary'],
      ['GetFleetStatus', 'unary'],
    ]);
  });

  it('counts in 64 bits where the wire does', () => {
    const status = create(NodeStatusSchema, { uptimeSeconds: 2n ** 40n });
    expect(fromBinary(NodeStatusSchema, toBinary(NodeStatusSchema, status)).uptimeSeconds).toBe(1_099_511_627_776n);
  });
});
