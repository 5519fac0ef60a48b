import { join } from 'node:path';
import { createNodeHost } from '../../../local/node/create-node-host.ts';
import { aCommand, aSpec } from '../../local/node/builders.ts';

/** Starts two nodes of a kind with a daemon on each, says so, and waits to be killed. */
const [kind, directory = '', seconds = ''] = process.argv.slice(2);
const host = await createNodeHost({ kind: kind === 'mesh' ? 'mesh' : 'sandbox' });
await host.prepareHomelab(directory);
for (const index of [1, 2]) {
  const node = await host.start(aSpec({ directory: join(directory, `node-${index}`), privateIp: `10.20.0.${index}` }));
  await node.registered;
  await node.run(aCommand({ script: `#!/bin/bash\nsetsid -f sleep ${seconds} >/dev/null 2>&1\n` }));
}
process.stdout.write('running\n');
setInterval(() => undefined, 1000);
