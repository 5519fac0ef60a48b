import { join } from 'node:path';
import { HOMELAB_ROLE, OUTPUT, stackName, TAG } from '#contract';
import type { ControlPlaneCertificates } from '../cli/homelab/certificates.ts';
import type { FleetIdentity } from './deploy/configuration.ts';
import type { Doors } from './deploy/doors.ts';
import type { Edge } from './edge/edge.ts';
import { HOMELAB } from './node/homelab/addresses.ts';
import type { ControlPlaneSpec, StartedHomelab } from './node/host.ts';
import { AWS_PORT } from './node/sandbox/cell-host.ts';
import type { Site } from './site.ts';

/** With which the control plane shows AWS who it is; undefined where it cannot be had. */
export type Certificates = ControlPlaneCertificates | undefined;

const FILES = { key: 'agent-key', token: 'command-token', certificate: 'aws.crt', certificateKey: 'aws.key' } as const;

const path = (file: keyof typeof FILES): string => join(HOMELAB.controlPlaneFolder, FILES[file]);

/** Access to AWS by IAM Roles Anywhere, as `carrierarr homelab control-plane` would have it. */
const awsOf = (
  { fleet, region }: FleetIdentity,
  outputs: Readonly<Record<string, string>>,
  certificates: Certificates,
): ControlPlaneSpec => {
  const { [OUTPUT.controlPlaneTrustAnchor]: trustAnchor } = outputs;
  if (certificates === undefined || trustAnchor === undefined) return { files: {}, environment: {} };
  const { certificate, key } = certificates.controlPlane;
  return {
    files: { [FILES.certificate]: certificate, [FILES.certificateKey]: key },
    environment: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${AWS_PORT}`,
      CONTROL_PLANE_AWS_REGION: region,
      CONTROL_PLANE_AWS_BUS: outputs[OUTPUT.eventBus] ?? fleet,
      CONTROL_PLANE_AWS_TRUST_ANCHOR_ARN: trustAnchor,
      CONTROL_PLANE_AWS_PROFILE_ARN: outputs[OUTPUT.controlPlaneProfile] ?? '',
      CONTROL_PLANE_AWS_ROLE_ARN: outputs[OUTPUT.controlPlaneRole] ?? '',
      CONTROL_PLANE_AWS_CERT_FILE: path('certificate'),
      CONTROL_PLANE_AWS_KEY_FILE: path('certificateKey'),
    },
  };
};

/** The key by which the control plane knows the fleet's agents; without one it lets every agent in. */
const agentsOf = async (doors: Doors, outputs: Readonly<Record<string, string>>): Promise<ControlPlaneSpec> => {
  const { [OUTPUT.agentKeySecret]: secret } = outputs;
  if (secret === undefined) return { files: {}, environment: {} };
  return { files: { [FILES.key]: `${await doors.secret(secret)}\n` }, environment: { AGENT_KEY_FILE: path('key') } };
};

/** Whoever has the token may command the agents: whoever runs this cloud. */
const commandsOf = (token: string): ControlPlaneSpec => ({
  files: { [FILES.token]: `${token}\n` },
  environment: { COMMAND_TOKEN_FILE: path('token') },
});

export interface Home {
  readonly site: Site;
  readonly edge: Edge;
  readonly doors: Doors;
  readonly certificates: Certificates;
  /** Opens the control plane's commands. */
  readonly commandToken: string;
  /** Further settings of the control plane. */
  readonly controlPlane: Readonly<Record<string, string>>;
}

/**
 * What the operator does by hand at home: make the lighthouse trust the fleet's CA, start the control plane, and register
 * the homelab's node with an activation for the role that the fleet made for it.
 */
export const settleAtHome = async ({
  commandToken,
  site,
  edge,
  doors,
  certificates,
  controlPlane: settings,
}: Home): Promise<StartedHomelab> => {
  const { fleet, region, provides } = site.configuration;
  const mesh = await doors.outputs(stackName(fleet, 'mesh'));
  const outputs = await doors.outputs(stackName(fleet, 'fleet'));
  const fleetCaPem = await doors.parameter(mesh[OUTPUT.caCertificateParameter] ?? '');
  const activation = await doors.activate(outputs[OUTPUT.homelabRole] ?? '', {
    [TAG.fleet]: fleet,
    [TAG.role]: HOMELAB_ROLE,
  });
  const registration = edge.enrol({ ...activation, ipAddress: HOMELAB.pod });
  const { instanceId, arn: instanceArn, tags } = registration;
  const directory = join(site.directory, 'nodes', instanceId);
  const node = { instanceId, instanceArn, region, tags, directory, awsEndpoint: edge.url };
  const specs = [
    awsOf(site.configuration, outputs, certificates),
    await agentsOf(doors, outputs),
    commandsOf(commandToken),
  ];
  const controlPlane = {
    files: Object.assign({}, ...specs.map(({ files }) => files)),
    environment: Object.assign({}, ...specs.map(({ environment }) => environment), settings),
  };
  const started = await site.host.startHomelab({ fleetCaPem, node, provides, controlPlane });
  await edge.nodes.adopt(registration, started.node, directory);
  return started;
};
