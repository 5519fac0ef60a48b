import type { Command } from 'commander';
import type { Finding, FindingStatus } from '../doctor/finding.ts';
import { isEmbedded } from '../doors/embedded.ts';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type GlobalOptions, wantsJson } from '../fleet.ts';
import type { Io } from '../io.ts';
import { type Output, paint, type Style } from '../render/output.ts';

const MARK: Readonly<Record<FindingStatus, { mark: string; style: Style }>> = {
  ok: { mark: 'ok  ', style: 'green' },
  warn: { mark: 'warn', style: 'yellow' },
  fail: { mark: 'FAIL', style: 'red' },
};

const findingsText = (findings: readonly Finding[], output: Output): string => {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .map(({ check, status, detail, remedy }) => {
      const { mark, style } = MARK[status];
      const line = `${paint(output, style, mark)}  ${check.padEnd(width)}  ${detail}\n`;
      return remedy === '' ? line : `${line}${' '.repeat(width + 8)}${paint(output, 'dim', 'remedy:')} ${remedy}\n`;
    })
    .join('');
};

export const registerDoctor = (program: Command, io: Io): void => {
  program
    .command('doctor')
    .summary('check that everything a worker needs is in place')
    .description(
      'Checks credentials, stacks, images, quotas, lighthouse, trust and local tools, each with its remedy.\n' +
        'Exit code 1 when a check fails; warnings do not count.',
    )
    .action(async (_options: unknown, command: Command) => {
      const { fleet, region: flag } = command.optsWithGlobals<GlobalOptions>();
      const [{ examine }, { resolveHost }, { resolveRegion }] = await Promise.all([
        import('../doctor/examine.ts'),
        import('../doctor/check-mesh.ts'),
        import('../doors/clients.ts'),
      ]);
      const region = await resolveRegion(flag, io);
      const { environment } = io;
      const embedded = isEmbedded(environment);
      const patient = { fleet, region, environment, now: io.now(), resolve: resolveHost, embedded };
      const findings = await examine(patient);
      const failed = findings.filter(({ status }) => status === 'fail');
      if (wantsJson(command)) io.out.write(`${JSON.stringify({ ok: failed.length === 0, findings })}\n`);
      else io.out.write(findingsText(findings, io.out));
      if (failed.length > 0) {
        throw new CommandError(EXIT.failed, {
          what: `${failed.length} of ${findings.length} checks failed: ${failed.map(({ check }) => check).join(', ')}`,
          remedy: 'apply the remedies above from top to bottom, then run `carrierarr doctor` again',
        });
      }
    });
};
