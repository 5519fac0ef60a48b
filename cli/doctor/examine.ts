import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { type FleetSettings, ROLES, type Role } from '#contract';
import { PLUGIN, PLUGIN_REMEDY } from '../commands/shell.ts';
import { clientSettings } from '../doors/clients.ts';
import { type FleetOutputs, readOutputs } from '../doors/outputs.ts';
import { findProgram } from '../system/find-program.ts';
import { checkControlPlane } from './check-control-plane.ts';
import { checkHomelab } from './check-homelab.ts';
import { checkImage, checkImageCosts, type ImageScope } from './check-images.ts';
import { checkLighthouse, checkTrust, type Resolve } from './check-mesh.ts';
import { checkQuotas } from './check-quotas.ts';
import { checkStacks } from './check-stacks.ts';
import { type Finding, fail, guarded, ok, warn } from './finding.ts';

export interface Patient {
  readonly fleet: string;
  readonly region: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly now: Date;
  readonly resolve: Resolve;
  /** The embedded cloud plays lighthouse and account itself: names need not resolve, quotas do not count. */
  readonly embedded: boolean;
}

const checkCredentials = async ({ region }: Patient): Promise<Finding[]> => {
  const sts = new STSClient({ ...clientSettings(region), maxAttempts: 2 });
  const { Arn, Account } = await sts.send(new GetCallerIdentityCommand({}));
  return [ok('credentials', `${Arn} in account ${Account}, region ${region}`)];
};

const checkPlugin = async ({ environment }: Patient): Promise<Finding[]> => {
  const file = await findProgram(PLUGIN, environment);
  return [
    file === undefined ? warn(PLUGIN, 'not installed: `carrierarr shell` needs it', PLUGIN_REMEDY) : ok(PLUGIN, file),
  ];
};

const checkRegion = (settings: FleetSettings, region: string): Finding[] =>
  settings.region === region
    ? []
    : [
        fail(
          'region',
          `the fleet is configured for ${settings.region}, its stacks are in ${region}`,
          `deploy to ${settings.region}, or set region to ${region}`,
        ),
      ];

const examineImage = async ({ embedded }: Patient, images: ImageScope, role: Role): Promise<Finding[]> =>
  embedded && images.settings.nodes.start === 'plain'
    ? [ok(`image ${role}`, 'Amazon Linux, played by the embedded cloud')]
    : checkImage(images, role);

const checkFleet = async (patient: Patient, outputs: FleetOutputs): Promise<Finding[]> => {
  const { fleet, region } = patient;
  const shared = clientSettings(region);
  const ssm = new SSMClient(shared);
  const ec2 = new EC2Client(shared);
  const settings = outputs.settings();
  const images = { ssm, ec2, settings, region, now: patient.now };
  const found = await Promise.all([
    ...ROLES.map((role) => guarded(`image ${role}`, 'fail', () => examineImage(patient, images, role))),
    guarded('images', 'warn', () => checkImageCosts(images)),
    patient.embedded
      ? [ok('quotas', 'do not count on the embedded cloud')]
      : guarded('quotas', 'warn', () => checkQuotas(new ServiceQuotasClient(shared), ec2, settings)),
    guarded('lighthouse endpoint', 'fail', () => checkLighthouse(settings, patient.resolve, patient.embedded)),
    guarded('trusted CAs', 'fail', () => checkTrust(settings, outputs, patient.now)),
    guarded('homelab node', 'warn', () => checkHomelab(ssm, fleet, patient.now)),
    guarded('control plane', 'warn', () => checkControlPlane(outputs, settings, patient.now)),
  ]);
  return [...checkRegion(settings, region), ...found.flat()];
};

/** Every check in the order in which its remedy would be applied: nothing works without what stands above it. */
export const examine = async (patient: Patient): Promise<Finding[]> => {
  const credentials = await guarded('credentials', 'fail', () => checkCredentials(patient));
  const plugin = await checkPlugin(patient);
  if (credentials.some(({ status }) => status === 'fail')) return [...credentials, ...plugin];
  const cloudFormation = new CloudFormationClient(clientSettings(patient.region));
  const stacks = await guarded('stacks', 'fail', () => checkStacks(cloudFormation, patient.fleet));
  const deployed = stacks.every(({ status, check }) => status !== 'fail' || check.endsWith('-mesh'));
  const fleet = deployed
    ? await guarded('fleet', 'fail', async () =>
        checkFleet(patient, await readOutputs(cloudFormation, patient.fleet, patient.region)),
      )
    : [];
  return [...credentials, ...stacks, ...fleet, ...plugin];
};
