import { type Command, InvalidArgumentError } from 'commander';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type GlobalOptions, wantsJson } from '../fleet.ts';
import type { Certified } from '../homelab/certificates.ts';
import type { Io } from '../io.ts';
import { paint } from '../render/output.ts';

interface CertificateOptions {
  readonly directory?: string;
  readonly renew?: boolean;
  readonly days: number;
}

const DEFAULT_DAYS = 365;
/** As long as the CA lives. */
const MAXIMUM_DAYS = 3650;

const readDays = (text: string): number => {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= MAXIMUM_DAYS) return days;
  throw new InvalidArgumentError(`Expected whole days, 1 to ${MAXIMUM_DAYS}.`);
};

const load = () => Promise.all([import('../homelab/certificates.ts'), import('../homelab/identity-folder.ts')]);

const refuseSecond = async (folder: string): Promise<void> => {
  const [, { IDENTITY_FILES, presentIn }] = await load();
  const { authority, controlPlane } = IDENTITY_FILES;
  const present = await presentIn(folder, [...Object.values(authority), ...Object.values(controlPlane)]);
  if (present.length === 0) return;
  throw new CommandError(EXIT.conflict, {
    what: 'there are certificates already, and another CA would shut the control plane out',
    got: `${present.join(', ')} in ${folder}`,
    remedy: 'use those; --renew makes another certificate by the same CA; --directory names another place',
  });
};

const makeBoth = async (folder: string, fleet: string, days: number): Promise<string> => {
  await refuseSecond(folder);
  const [{ makeControlPlaneCertificates }, { IDENTITY_FILES, writePrivate }] = await load();
  const { authority, controlPlane } = await makeControlPlaneCertificates(fleet, days);
  const named = ({ certificate, key }: Certified, files: { certificate: string; key: string }) => ({
    [files.certificate]: certificate,
    [files.key]: key,
  });
  await writePrivate(folder, {
    ...named(authority, IDENTITY_FILES.authority),
    ...named(controlPlane, IDENTITY_FILES.controlPlane),
  });
  return authority.certificate;
};

const renew = async (folder: string, fleet: string, days: number): Promise<string> => {
  const [{ certifyControlPlane }, { IDENTITY_FILES, readCertified, writePrivate }] = await load();
  const { authority: files, controlPlane } = IDENTITY_FILES;
  const authority = await readCertified(folder, files);
  if (authority === undefined)
    throw new CommandError(EXIT.notFound, {
      what: 'the CA is not there, so it cannot certify',
      got: `no ${files.certificate} with ${files.key} in ${folder}`,
      remedy: 'bring the two files back from where you keep them, or leave --renew out and make another CA',
    });
  const { certificate, key } = await certifyControlPlane(authority, fleet, days);
  // The key first: were this to end in between, the old certificate would be refused rather than half of a pair be used.
  await writePrivate(folder, { [controlPlane.key]: key, [controlPlane.certificate]: certificate }, true);
  return authority.certificate;
};

const firstSteps = (folder: string): string[] => [
  `Certificates are in ${folder}. Next:`,
  '1. put the lines above into cdk.json under context.carrierarr (a certificate is no secret), take idle-unheard out of',
  '   acknowledge, and run: npx cdk deploy --all',
  '2. carrierarr homelab control-plane --write && kubectl apply -k homelab/',
  '3. carrierarr homelab control-plane --secrets | kubectl apply -f -',
  'ca.key is needed for the next certificate only: keep it off this machine. Whoever has it can tell the fleet that',
  'workers are idle or dead, and nothing else.',
];

const renewalSteps = (folder: string): string[] => [
  `The new certificate is in ${folder}. Next: carrierarr homelab control-plane --secrets | kubectl apply -f -`,
  'The control plane takes it with its next session, within an hour; nothing need be restarted or deployed.',
];

const certificate = async (options: CertificateOptions, fleet: string, json: boolean, io: Io): Promise<void> => {
  const [, { identityFolder }] = await load();
  const folder = identityFolder(fleet, options.directory, io.environment);
  const renewing = options.renew === true;
  const trustAnchor = await (renewing ? renew : makeBoth)(folder, fleet, options.days);
  const configuration = { homelab: { controlPlane: { trustAnchor } } };
  if (json) {
    io.out.write(`${JSON.stringify({ directory: folder, renewed: renewing, days: options.days, configuration })}\n`);
    return;
  }
  // On a pipe, what belongs into the configuration is what can be used.
  if (!renewing) io.out.write(`${JSON.stringify(configuration, null, 2)}\n`);
  const [first = '', ...rest] = renewing ? renewalSteps(folder) : firstSteps(folder);
  io.err.write(`\n${[paint(io.err, 'bold', first), ...rest].join('\n')}\n`);
};

export const registerHomelabCertificate = (homelab: Command, io: Io): void => {
  homelab
    .command('certificate')
    .summary('make the CA and the certificate by which the control plane is known to AWS')
    .description(
      "Makes a CA of your own and a certificate for the homelab's control plane, which IAM Roles Anywhere takes for an\n" +
        'hour of credentials at a time: enough to tell the fleet of idle and dead workers, and nothing else. Files are\n' +
        'readable by you alone, lie outside the clone, and are never overwritten. Needs openssl; asks AWS nothing.',
    )
    .option('--directory <folder>', 'where the files are (default: ~/.config/carrierarr/<fleet>)')
    .option('--days <days>', 'how long the certificate lasts; the CA lasts ten years', readDays, DEFAULT_DAYS)
    .option('--renew', 'make another certificate by the CA that is there')
    .addHelpText(
      'after',
      '\nExamples:\n  $ carrierarr homelab certificate\n  $ carrierarr homelab certificate --renew --days 90',
    )
    .action((options: CertificateOptions, command: Command) =>
      certificate(options, command.optsWithGlobals<GlobalOptions>().fleet, wantsJson(command), io),
    );
};
