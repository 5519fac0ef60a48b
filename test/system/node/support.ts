import { afterAll } from 'vitest';
import type { Role } from '#contract';
import { FakeInstance, type Reply, secretValue } from '../../ssm/fake-instance.ts';
import { anIdentity, type TestIdentity } from '../../ssm/identity-builders.ts';
import { NodeSandbox, type Outcome } from '../../ssm/node-sandbox.ts';

export const BOOT = '/usr/local/lib/carrierarr/boot.sh';

export interface World {
  readonly instance: FakeInstance;
  readonly node: NodeSandbox;
  readonly boot: () => Promise<Outcome>;
}

/** Tests run beside each other, so what they open is closed when all of them are over. */
const open: { close(): Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(open.map((each) => each.close()));
});

export interface NodeOptions {
  readonly secret?: readonly Reply[];
  /** Whether programs on the node do not wait for anything. @default true */
  readonly hurry?: boolean;
  /** @default `gpu-worker` */
  readonly role?: Role;
  /** Of everything on the node, beside what makes it see its AWS. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A node and the AWS it sees, gone when the file's tests are over. */
export const aNode = async (options: NodeOptions = {}): Promise<World> => {
  const role = options.role ?? 'gpu-worker';
  const instance = await FakeInstance.start({ role });
  const node = await NodeSandbox.start({ ...instance.environment, ...options.environment }, role);
  open.push(node, instance);
  if (options.secret !== undefined) instance.secret = [...options.secret];
  if (options.hurry ?? true) await node.stub('sleep', 'exit 0');
  return { instance, node, boot: () => node.run([BOOT]) };
};

/** A node that has booted with a good identity. */
export const aBootedNode = async (): Promise<World & { readonly identity: TestIdentity }> => {
  const identity = anIdentity();
  const world = await aNode({ secret: [secretValue(identity.secret)] });
  const { code, stderr } = await world.boot();
  if (code !== 0) throw new Error(`boot failed: ${stderr}`);
  return { ...world, identity };
};

/** The reason a boot gave for its failure, without the line's end. */
export const bootReason = async ({ node }: World): Promise<string> =>
  (await node.read('/run/carrierarr/boot.failed')).trimEnd();
