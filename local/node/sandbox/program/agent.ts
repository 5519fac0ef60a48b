import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Channel, openChannel } from './channel.ts';
import { Commands } from './commands.ts';
import { Doors } from './doors.ts';
import { Guest } from './guest.ts';
import { showMachine } from './machine.ts';
import type { BootPlan, FromHost, StartOrder } from './protocol.ts';

/**
 * First process of a cell. It plays what stands between an instance and AWS: the Systems Manager agent, the metadata
 * service's address, and systemd as far as the boot unit goes.
 */
const boot = async (plan: BootPlan, guest: Guest, channel: Channel): Promise<void> => {
  for (const { path, mode } of plan.directories) mkdirSync(path, { recursive: true, mode });
  for (const { path, text, mode } of plan.files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
  }
  for (const { where, options } of plan.mounts) await guest.mountMemory(where, options);
  if (plan.machine !== undefined) await showMachine(plan.machine, guest);
  if (plan.unit === '') return;
  const follow = plan.services.map((name) => `systemctl --no-block start ${name}; `).join('');
  const script = `systemctl start ${plan.unit}; ${follow}journalctl --unit ${plan.unit} --no-pager --output cat`;
  const child = guest.spawn(['bash', '-c', script], {}, ['ignore', 'pipe', 'pipe']);
  const say = (chunk: Buffer) => channel.send({ type: 'console', text: chunk.toString('utf8') });
  child.stdout?.on('data', say);
  child.stderr?.on('data', say);
  child.once('error', (error) => say(Buffer.from(`${error.message}\n`)));
};

const start = async (order: StartOrder, doors: Doors, channel: Channel): Promise<Commands> => {
  const guest = new Guest(order.environment);
  await Promise.all([doors.open(order.awsPort), guest.start()]);
  await boot(order.boot, guest, channel);
  channel.send({ type: 'registered' });
  return new Commands({
    guest,
    orchestration: `/var/lib/amazon/ssm/${order.instanceId}/document/orchestration`,
    environment: { AWS_SSM_INSTANCE_ID: order.instanceId, AWS_SSM_REGION_NAME: order.region },
    reboot: async () => {
      channel.send({ type: 'console', text: 'restart, asked for by exit code 194\n' });
      await guest.restart();
      await boot(order.boot, guest, channel);
    },
  });
};

const serve = (): void => {
  let commands: Promise<Commands> | undefined;
  const handle = async (message: FromHost): Promise<void> => {
    if (message.type === 'start') {
      commands = start(message, doors, channel);
      await commands;
    } else if (message.type === 'answer') {
      doors.answer(message);
    } else if (message.type === 'cancel') {
      (await commands)?.cancel(message.commandId);
    } else {
      const report = await (await commands)?.run(message);
      if (report !== undefined) channel.send({ type: 'report', ...report });
    }
  };
  const fail = (error: unknown): void => {
    console.error(`agent: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  };
  const channel = openChannel((message) => void handle(message).catch(fail));
  const doors = new Doors(channel);
  channel.send({ type: 'ready' });
};

serve();
