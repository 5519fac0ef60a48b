import { HOMELAB_STEPS, STEPS } from '#contract';
import type { Config } from './schema.ts';

/** How long a provision may take from its launch on, each step using up its own limit. */

const ALL_STEPS = { ...STEPS, ...HOMELAB_STEPS };
type AnyStep = keyof typeof ALL_STEPS;

/** Systems Manager's for the delivery of a command, and what a poll waits beyond a step's own limit. */
const BESIDE_EACH_STEP_SECONDS = 90;

const peeringSteps = ({ liqo }: Config): AnyStep[] => {
  if (!liqo.enabled) return [];
  const consumesAws: AnyStep[] = ['make-peering-user', 'homelab-peer', 'homelab-verify-peering'];
  const providesHomelab: AnyStep[] = ['homelab-make-peering-user', 'peer', 'verify-peering'];
  return [
    ...(liqo.direction === 'aws-consumes-homelab' ? [] : consumesAws),
    ...(liqo.direction === 'homelab-consumes-aws' ? [] : providesHomelab),
  ];
};

/** What a lighthouse goes through after its boot, one after the other; no other role goes through more. */
export const stepsAfterBoot = (config: Config): AnyStep[] => [
  'verify-nebula',
  'homelab-verify-mesh',
  'install-cilium',
  // Installed in the homelab at the same time, within the same limit.
  ...(config.liqo.enabled ? (['install-liqo'] as const) : []),
  ...peeringSteps(config),
  ...(config.cilium.clusterMesh ? (['offer-clustermesh', 'homelab-connect-clustermesh'] as const) : []),
  ...(config.agent.verify ? (['verify-agent', 'homelab-verify-agent'] as const) : []),
  'enter-service',
];

/** Seconds from launch to service of a provision that ends well, however slowly. */
export const longestProvisionSeconds = (config: Config): number =>
  stepsAfterBoot(config).reduce(
    (sum, step) => sum + ALL_STEPS[step].timeoutSeconds + BESIDE_EACH_STEP_SECONDS,
    config.limits.ssmOnlineSeconds + config.limits.bootSeconds,
  );
