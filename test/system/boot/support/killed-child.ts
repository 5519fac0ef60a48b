/** Boots a machine, says its name and waits to be killed. */
import { bootNebula } from './obstacle.ts';
import { World } from './world.ts';

const world = await World.start(bootNebula());
const { machine } = await world.boot();
await machine.leader();
process.stdout.write(machine.name);
setInterval(() => undefined, 1000);
