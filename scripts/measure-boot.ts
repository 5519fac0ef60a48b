/**
 * How long a machine takes from its start into the mesh and to the end of its boot, stage by stage: machines boot one
 * after another under real systemd (systemd-nspawn), with real Nebula on both ends, as in test/system/boot.
 *
 *   node scripts/measure-boot.ts [boots, default 20] [gpu-worker (default) | lighthouse | plain]
 *
 * `plain` is a lighthouse without our image, which installs itself from a mirror beside it, with stand-ins for its
 * packages.
 *
 * Needs root and what those tests need; Nebula is the one NEBULA_BIN names, else the one on PATH. What EC2, the kernel
 * and a cold disk add is not in these numbers.
 */
import { ROLES } from '#contract';
import { ConfigurationError } from '#shared/errors.ts';
import { FakeInstance } from '../test/ssm/fake-instance.ts';
import { bootNebula, bootObstacle } from '../test/system/boot/support/obstacle.ts';
import { preparePlainLighthouse } from '../test/system/boot/support/plain.ts';
import { type MachineSetting, World } from '../test/system/boot/support/world.ts';

/** Milliseconds from the start of the machine, by stage. */
type Stages = ReadonlyMap<string, number>;

const boots = Number(process.argv[2] ?? 20);
const KINDS = [...ROLES, 'plain'] as const;
const kind = KINDS.find((each) => each === (process.argv[3] ?? 'gpu-worker'));

const measure = async (world: World, setting: MachineSetting): Promise<Stages> => {
  const booted = await world.boot(setting);
  const { machine, echo } = booted;
  const { done, text } = await machine.verdict(120);
  if (!done) throw new Error(`${booted.name} did not boot: ${text}`);
  const ping = await echo.first;
  await machine.waitFor(setting.role === 'lighthouse' ? 'k3s' : 'k3s-agent');
  const marks = [...(await machine.timeline()), ['ping through the mesh', ping] as const];
  await machine.stop();
  return new Map(marks.map(([mark, time]) => [mark, time - machine.startedAt]));
};

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

const median = (sorted: readonly number[]): number => {
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
};

const print = (runs: readonly Stages[]): void => {
  const stages = new Set(runs.flatMap((run) => [...run.keys()]));
  const everywhere = [...stages].filter((stage) => runs.every((run) => run.has(stage)));
  const rows = everywhere.map((stage) => {
    const times = runs.flatMap((run) => run.get(stage) ?? []).sort((a, b) => a - b);
    return { stage, median: median(times), p90: quantile(times, 0.9) };
  });
  let before = 0;
  console.log(`| ${'stage'.padEnd(22)} | median ms | since the stage before | p90 ms |`);
  console.log('| --- | ---: | ---: | ---: |');
  for (const row of rows.sort((a, b) => a.median - b.median)) {
    const cells = [row.median, row.median - before, row.p90].map((time) => time.toFixed(0));
    console.log(`| ${row.stage.padEnd(22)} | ${cells.join(' | ')} |`);
    before = row.median;
  }
};

if (bootObstacle !== undefined) {
  throw new ConfigurationError({ what: `no machine can be booted here: ${bootObstacle}`, remedy: 'run it as root' });
}
if (kind === undefined || !Number.isInteger(boots) || boots < 1 || boots > 99) {
  throw new ConfigurationError({
    what: 'measure-boot got other words than it knows',
    got: process.argv.slice(2).join(' '),
    allowed: `a number of boots from 1 to 99, then one of ${KINDS.join(', ')}`,
    remedy: 'say how many machines of which role are to boot',
  });
}
const nebula = bootNebula();
const world = await World.start(nebula);
const plain = kind === 'plain' ? preparePlainLighthouse(nebula) : undefined;
try {
  const role = ROLES.find((each) => each === kind) ?? 'lighthouse';
  const setting: MachineSetting = plain === undefined ? { role } : await world.preparePlain(plain);
  const userData = plain?.userData ?? new FakeInstance(role).metadata.get('user-data') ?? '';
  console.log(
    `${boots} boots, ${kind}, ${nebula.label}; user data ${Buffer.byteLength(userData)} bytes; switched on at 0\n`,
  );
  const runs: Stages[] = [];
  while (runs.length < boots) runs.push(await measure(world, setting));
  print(runs);
} finally {
  plain?.sandbox.remove();
  await world.close();
}
