import { writeFileSync } from 'node:fs';
import { startAgent } from '../k3s/agent.ts';
import { VERSION } from '../k3s/kubelet.ts';
import { startServer } from '../k3s/server.ts';
import { Settings } from '../k3s/settings.ts';
import { kubectl } from '../kubectl/main.ts';
import { Exit, runProgram } from '../program.ts';

const untilTold = (): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGTERM', () => resolve()).once('SIGINT', () => resolve());
  });

const main = async (argv: readonly string[]): Promise<number> => {
  const [command = '', ...rest] = argv;
  if (command === '--version' || command === '-v') {
    process.stdout.write(`k3s version ${VERSION} (6c90ff70)\ngo version go1.22.8\n`);
    return 0;
  }
  if (command === 'kubectl') {
    process.env.KUBECONFIG ??= '/etc/rancher/k3s/k3s.yaml';
    return await kubectl(rest);
  }
  if (command !== 'server' && command !== 'agent') throw new Exit(1, `No help topic for '${command}'`);
  const told = untilTold();
  const settings = new Settings(command, rest);
  const starting = command === 'server' ? startServer(settings) : startAgent(settings);
  // Told to stop before it has joined: nothing to leave behind.
  const running = await Promise.race([starting, told.then(() => undefined)]);
  // What sd_notify is to the real one.
  const { STANDIN_NOTIFY: ready } = process.env;
  if (running !== undefined && ready !== undefined) writeFileSync(ready, '');
  await told;
  await running?.stop();
  return 0;
};

await runProgram('k3s', ([command]) => command, main);
