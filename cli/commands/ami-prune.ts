import type { Command } from 'commander';
import type { Image } from '#contract';
import type { AmiDoors, HeldImage } from '../ami/inventory.ts';
import type { PruneRules, Verdict } from '../ami/plan-prune.ts';
import type { OrphanedSnapshot, PruneResult } from '../ami/prune.ts';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { wantsJson } from '../fleet.ts';
import type { Io } from '../io.ts';
import { formatAge } from '../render/duration.ts';
import { type Output, paint } from '../render/output.ts';
import { type Column, renderTable } from '../render/table.ts';

interface PruneOptions {
  readonly keep: string;
  readonly role?: string;
  readonly unclaimed?: boolean;
  readonly yes?: boolean;
}

interface Plan {
  readonly verdicts: readonly Verdict[];
  readonly remove: readonly HeldImage[];
  readonly unmark: readonly HeldImage[];
  readonly orphans: readonly OrphanedSnapshot[];
  readonly gib: number;
}

const MOST_KEPT = 100;

const readKeep = (text: string): number => {
  const keep = Number(text);
  if (Number.isInteger(keep) && keep >= 1 && keep <= MOST_KEPT) return keep;
  throw new CommandError(EXIT.usage, {
    what: '--keep is no number of images',
    got: text,
    allowed: `a whole number from 1 to ${MOST_KEPT}`,
    remedy: 'leave it out for 3',
  });
};

const columns = (now: Date): Column<Verdict>[] => [
  { title: 'AMI', value: ({ image }) => image.id, style: () => 'bold' },
  { title: 'IMAGE', value: ({ image }) => image.image ?? '' },
  { title: 'AGE', value: ({ image }) => formatAge(now.getTime() - image.createdAt.getTime()) },
  { title: 'GIB', value: ({ image }) => image.snapshotGib.toFixed(1) },
  {
    title: 'VERDICT',
    value: ({ reasons }) => (reasons.length === 0 ? 'remove' : 'stays'),
    style: ({ reasons }) => (reasons.length === 0 ? 'red' : 'green'),
  },
  { title: 'BECAUSE', value: ({ reasons }) => reasons.join(', ') },
];

const resultLine = (output: Output, { kind, id, outcome, detail }: PruneResult): string => {
  if (outcome === 'failed') return `${paint(output, 'red', 'failed')}  ${kind} ${id}: ${detail}\n`;
  return `${outcome.padEnd(7)} ${kind} ${id}${detail && `: ${detail}`}\n`;
};

const savings = async ({ remove, orphans, gib }: Plan, verb: string): Promise<string> => {
  const { dollarsText, gibText } = await import('../ami/render.ts');
  const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
  const snapshots = orphans.length === 0 ? '' : ` and ${count(orphans.length, 'snapshot')} of images that are gone`;
  return `${verb} ${count(remove.length, 'image')}${snapshots}: ${gibText(gib)} GiB, at most ${dollarsText(gib)} a month\n`;
};

const carryOut = async ({ remove, unmark, orphans }: Plan, doors: AmiDoors) => {
  const { ec2 } = doors;
  const { removeImage, removeMark, removeOrphan } = await import('../ami/prune.ts');
  const results: PruneResult[] = [];
  for (const image of remove) results.push(...(await removeImage(doors, image)));
  for (const orphan of orphans) results.push(...(await removeOrphan(ec2, orphan)));
  for (const image of unmark) results.push(...(await removeMark(ec2, image)));
  return results;
};

/** The part of the plan that has been carried out. */
const whatWent = async (plan: Plan, results: readonly PruneResult[]): Promise<Plan> => {
  const { gibOf } = await import('../ami/inventory.ts');
  const gone = new Set(results.filter(({ outcome }) => outcome === 'removed').map(({ id }) => id));
  const remove = plan.remove.filter(({ id }) => gone.has(id));
  const orphans = plan.orphans.filter(({ id }) => gone.has(id));
  return { ...plan, remove, orphans, gib: gibOf(remove) + orphans.reduce((sum, { gib }) => sum + gib, 0) };
};

const showPlan = async (plan: Plan, yes: boolean, io: Io): Promise<void> => {
  if (plan.verdicts.length > 0) io.out.write(renderTable(columns(io.now()), plan.verdicts, io.out));
  for (const { id } of plan.orphans) io.out.write(`snapshot ${id} belongs to an image that is gone\n`);
  for (const { id } of plan.unmark) {
    io.out.write(`${id} is marked as published and is not any more: the mark goes, the next prune may remove it\n`);
  }
  if (yes) return;
  io.out.write(await savings(plan, 'would remove'));
  if (plan.remove.length + plan.orphans.length + plan.unmark.length > 0) {
    io.out.write('nothing was done: say --yes to do it\n');
  }
};

const makePlan = async (rules: PruneRules, doors: AmiDoors): Promise<Plan> => {
  const [{ gibOf, takeInventory }, { planPrune }, { findOrphans }] = await Promise.all([
    import('../ami/inventory.ts'),
    import('../ami/plan-prune.ts'),
    import('../ami/prune.ts'),
  ]);
  const images = await takeInventory(doors);
  const verdicts = planPrune(images, rules);
  const remove = verdicts.filter(({ reasons }) => reasons.length === 0).map(({ image }) => image);
  const unmark = verdicts.filter(({ staleMark }) => staleMark).map(({ image }) => image);
  const orphans = await findOrphans(doors.ec2, images, rules);
  return { verdicts, remove, unmark, orphans, gib: gibOf(remove) + orphans.reduce((sum, { gib }) => sum + gib, 0) };
};

const asDocument = async (plan: Plan, yes: boolean, results: readonly PruneResult[]) => {
  const { dollarsPerMonth } = await import('../ami/inventory.ts');
  return {
    dryRun: !yes,
    images: plan.verdicts.map(({ image, reasons }) => ({
      id: image.id,
      image: image.image ?? null,
      verdict: reasons.length === 0 ? 'remove' : 'stays',
      reasons,
    })),
    orphanedSnapshots: plan.orphans.map(({ id }) => id),
    staleMarks: plan.unmark.map(({ id }) => id),
    snapshotGib: plan.gib,
    dollarsPerMonth: dollarsPerMonth(plan.gib),
    results,
  };
};

const prune = async (command: Command, options: PruneOptions, keep: number, image: Image | undefined, io: Io) => {
  const { openAmiDoors } = await import('../ami/open-doors.ts');
  const { doors } = await openAmiDoors(command, io);
  const yes = options.yes === true;
  const unclaimed = options.unclaimed === true;
  const plan = await makePlan({ keep, image, unclaimed, fleet: doors.fleet, now: io.now() }, doors);
  if (!wantsJson(command)) await showPlan(plan, yes, io);
  const results = yes ? await carryOut(plan, doors) : [];
  if (wantsJson(command)) io.out.write(`${JSON.stringify(await asDocument(plan, yes, results))}\n`);
  else if (yes) io.out.write(results.map((result) => resultLine(io.out, result)).join(''));
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  if (failed.length > 0) {
    throw new CommandError(EXIT.failed, {
      what: `${failed.length} of ${results.length} could not be removed: ${failed.map(({ id }) => id).join(', ')}`,
      remedy: 'see the reason of each above, then run it again: what is gone stays gone',
    });
  }
  if (yes && !wantsJson(command)) io.out.write(await savings(await whatWent(plan, results), 'removed'));
};

export const registerAmiPrune = (ami: Command, io: Io): void => {
  ami
    .command('prune')
    .summary('show old images, and remove them with --yes')
    .description(
      'Shows which images would go, and removes them with their snapshots when told --yes. Never one that a parameter of\n' +
        'the fleet, a launch template or an instance in the account refers to, that is tagged carrierarr:keep, or that is\n' +
        'younger than an hour.',
    )
    .option('--keep <count>', 'newest images of each kind that stay', '3')
    .option('--role <image>', 'only base, lighthouse or gpu-worker')
    .option('--unclaimed', 'also images that no fleet has published')
    .option('-y, --yes', 'do it')
    .addHelpText('after', '\nExamples:\n  $ carrierarr ami prune\n  $ carrierarr ami prune --keep 1 --role base --yes')
    .action(async (options: PruneOptions, command: Command) => {
      const { readImage } = await import('../ami/read-image.ts');
      const image = options.role === undefined ? undefined : readImage(options.role);
      await prune(command, options, readKeep(options.keep), image, io);
    });
};
