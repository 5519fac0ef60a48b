import * as z from 'zod';
import { FleetSettings } from './settings.ts';

/** Environment variables by capability; `lib/` sets exactly these, handlers parse them once with `parseEnvironment`. */
const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'expected JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);

/** Which key signs certificates. Neither form holds the key itself. */
export const SignerSettings = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('kms'), keyArn: z.string() }),
  z.object({ kind: z.literal('secret'), secretArn: z.string() }),
]);
export type SignerSettings = z.infer<typeof SignerSettings>;

const base = { FLEET_SETTINGS: json(FleetSettings), REGISTRY_TABLE: z.string() };
const machines = { PROVISION_STATE_MACHINE: z.string(), TEARDOWN_STATE_MACHINE: z.string() };
const signing = { SIGNER: json(SignerSettings), CA_CERTIFICATE: z.string() };

export const ENVIRONMENT = {
  registry: z.object({ ...base, EVENT_BUS: z.string() }),
  /** Where the key of agent tokens lies; empty: workers get none. */
  identity: z.object({ ...base, ...signing, AGENT_KEY_SECRET: z.string() }),
  launch: z.object({ ...base, LAUNCH_TEMPLATES: json(z.record(z.enum(['lighthouse', 'gpu-worker']), z.string())) }),
  'run-command': z.object({ ...base }),
  /** What precedes a node's id in its ARN: `arn:aws:ssm:REGION:ACCOUNT:managed-instance/`. */
  homelab: z.object({ ...base, MANAGED_INSTANCE_ARN: z.string() }),
  sweep: z.object({ ...base, ...machines }),
  api: z.object({ ...base, ...machines }),
  certificates: z.object({ ...base, ...signing }),
  scale: z.object({ ...base, ...machines }),
  rescue: z.object({ ...base, ...machines }),
  observe: z.object({ ...base, ...machines, SWEEP_STATE_MACHINE: z.string(), EVENT_BUS: z.string() }),
  ca: z.object({ FLEET: z.string() }),
  guard: z.object({ FLEET: z.string() }),
} as const;

/** CloudFormation outputs of the fleet stack: the public face that `cli/` and `local/` go by. */
export const OUTPUT = {
  apiUrl: 'ApiUrl',
  provisionStateMachine: 'ProvisionStateMachineArn',
  teardownStateMachine: 'TeardownStateMachineArn',
  renewStateMachine: 'RenewStateMachineArn',
  sweepStateMachine: 'SweepStateMachineArn',
  eventBus: 'EventBusName',
  registryTable: 'RegistryTableName',
  /** FleetSettings as JSON, so that the command knows limits, roles and mesh without reading code. */
  settings: 'FleetSettings',
  /** Role that the homelab's node assumes: what `carrierarr homelab activate` names in the activation. */
  homelabRole: 'HomelabRoleName',
  /** Where the control plane's page is; only where the configuration says so. */
  controlPlaneUrl: 'ControlPlaneUrl',
  /** The control plane's identity at AWS; only with `homelab.controlPlane.trustAnchor`. */
  controlPlaneTrustAnchor: 'ControlPlaneTrustAnchorArn',
  controlPlaneProfile: 'ControlPlaneProfileArn',
  controlPlaneRole: 'ControlPlaneRoleArn',
  /** Name of the secret with the key of agent tokens; absent where `agent.tokens` is off. */
  agentKeySecret: 'AgentKeySecretName',
  /** On the mesh stack. */
  caFingerprint: 'CaFingerprint',
  caCertificateParameter: 'CaCertificateParameter',
  trustStep: 'LighthouseTrustStep',
} as const;
