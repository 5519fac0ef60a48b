import { afterAll } from 'vitest';
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

/** A node and the AWS it sees, gone when the file's tests are over. `hurry`: programs on the node do not wait for anything. */
export const aNode = async (options: { secret?: readonly Reply[]; hurry?: boolean } = {}): Promise<World> => {
  const instance = await FakeInstance.start();
  const node = await NodeSandbox.start(instance.environment);
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
