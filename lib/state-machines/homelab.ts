import type { Chain } from 'aws-cdk-lib/aws-stepfunctions';
import { NO_SERVER } from '#contract';
import { onlyIf } from './branch.ts';
import { HOMELAB_THERE, LIFE, onHomelab } from './life.ts';
import { type Kit, operation } from './operation.ts';
import { consumesAws, foreignCidrs, providesHomelab } from './parameters.ts';

/** What is asked of the homelab before anything costs. */

/** A lighthouse that is to be peered needs it, everybody else is checked from there where it is. */
export const findHomelab = (kit: Kit) =>
  operation(kit, 'FindHomelab', {
    capability: 'homelab',
    operation: 'find',
    input: { name: LIFE.name, required: needsHomelab(kit) ? "{% $worker.role = 'lighthouse' %}" : false },
    assign: {
      homelab: '{% $states.result.Payload %}',
      // Where no cluster is waited for, none is joined.
      server: NO_SERVER,
    },
  });

const needsHomelab = ({ config }: Kit): boolean => config.liqo.enabled || config.cilium.clusterMesh;

/** Reads whether the homelab is ready to be peered; nothing has been changed or launched when it stops. */
export const homelabPreflight = (kit: Kit): Chain | undefined => {
  const { config, caFingerprint } = kit;
  if (!config.liqo.enabled) return undefined;
  const { homelab, liqo } = config;
  return onHomelab(kit, {
    stage: 'HomelabPreflight',
    step: 'homelab-preflight',
    parameters: {
      LighthouseNamespace: homelab.lighthouse.namespace,
      LighthouseDeployment: homelab.lighthouse.deployment,
      LighthouseConfigMap: homelab.lighthouse.configMap,
      CaFingerprint: caFingerprint,
      ClusterId: homelab.clusterName,
      LiqoVersion: liqo.version,
      AllowUpgrade: String(liqo.allowUpgrade),
      Networking: String(liqo.networking),
      Provides: String(providesHomelab(config)),
      PodCidr: homelab.podCidr,
      ServiceCidr: homelab.serviceCidr,
      ForeignCidrs: foreignCidrs(config),
      MeshCidr: config.mesh.cidr,
      WorkerIp: '{% $worker.address %}',
      ProxyUrl: consumesAws(config) ? homelab.door : '',
    },
  });
};

/** The worker's agent, and what the control plane says of it. */
export const verifyAgentHomelab = (kit: Kit): Chain => {
  const { namespace, service, port } = kit.config.homelab.controlPlane;
  return onlyIf(
    kit.scope,
    'VerifyAgentHomelabThere',
    HOMELAB_THERE,
    onHomelab(kit, {
      stage: 'VerifyAgentHomelab',
      step: 'homelab-verify-agent',
      parameters: {
        ControlPlaneNamespace: namespace,
        ControlPlaneService: service,
        ControlPlanePort: String(port),
        NebulaIp: '{% $worker.address %}',
      },
    }),
  );
};
