import { isMeshInHomelabServices } from './checks.ts';
import { longestProvisionSeconds } from './provision-limits.ts';
import type { Config, WarningId } from './schema.ts';

/** Something that deploys but may not do what its owner hopes. */
export interface ConfigWarning {
  readonly id: WarningId;
  readonly text: string;
  /** Named in `acknowledge`: still shown, but as a note. */
  readonly acknowledged: boolean;
}

/** WireGuard adds 60 bytes, and pods of a homelab whose Cilium has MTU 1250 send 1200. */
const SAFE_TUNNEL_MTU = 1140;

/** R580, with long-term support. */
const OLDEST_SUPPORTED_DRIVER = 580;

/** The control plane tells of an idle worker every five minutes, for the first time after five. */
const IDLE_NOTICE_MINUTES = 5;

const isHasty = ({ idleMinutes, idleWarningMinutes }: Config['agent']): boolean =>
  idleMinutes > 0 && (idleMinutes < 2 * IDLE_NOTICE_MINUTES || idleWarningMinutes < IDLE_NOTICE_MINUTES);

const RULES: Record<WarningId, (config: Config) => string | undefined> = {
  'homelab-trust': ({ mesh }) =>
    mesh.ca.signer === 'kms' && mesh.trustedCas.length === 0
      ? "mesh.trustedCas is empty: workers do not trust the homelab's CA, so no handshake with its lighthouse succeeds; " +
        "put the PEM of the homelab's CA there and follow the output LighthouseTrustStep"
      : undefined,
  'mesh-in-homelab-services': ({ mesh, homelab }) =>
    isMeshInHomelabServices(mesh.cidr, homelab.serviceCidr)
      ? `mesh.cidr ${mesh.cidr} lies inside homelab.serviceCidr ${homelab.serviceCidr}: a Service there may be given a ` +
        "worker's address; a new installation should choose ranges apart"
      : undefined,
  'small-lighthouse': ({ roles }) => {
    const small = roles.lighthouse.instanceTypes.filter((type) => /^t[2-4][a-z]*\.(nano|micro|small)$/.test(type));
    return small.length > 0
      ? `roles.lighthouse.instanceTypes names ${small.join(', ')}: 2 GiB or less is too small for k3s, Cilium and Liqo ` +
          'together, steps end by exit 137; t3.medium is the smallest that works'
      : undefined;
  },
  'foreign-instance-profile': ({ nodes }) =>
    nodes.instanceProfile === undefined
      ? undefined
      : `nodes.instanceProfile ${nodes.instanceProfile.name} is not the fleet's: that a worker reads only its own ` +
        'secret is then up to its role',
  'mesh-nodes': ({ k3s, cilium }) =>
    k3s.nodeNetwork === 'mesh' && cilium.kubeProxyReplacement
      ? 'k3s.nodeNetwork mesh with cilium.kubeProxyReplacement true: node addresses on a TUN device under a replaced ' +
        'kube-proxy are an open fault of Cilium (pods lose their own host at times); set cilium.kubeProxyReplacement false'
      : undefined,
  'foreign-mtu': ({ liqo }) =>
    liqo.enabled && liqo.networking && liqo.mtu > SAFE_TUNNEL_MTU
      ? `liqo.mtu ${liqo.mtu} is above ${SAFE_TUNNEL_MTU}: full-size packets are lost wherever the homelab's pods have an ` +
        'MTU of 1200, while Liqo still calls the tunnel healthy'
      : undefined,
  'in-band': ({ liqo }) =>
    liqo.inBand
      ? 'liqo.inBand makes the API of the peering depend on its tunnel, and wants socketLB.hostNamespaceOnly=true in ' +
        "the provider's Cilium (cilium.values)"
      : undefined,
  'nvidia-end-of-life': ({ images }) =>
    Number(images.nvidiaDriver) < OLDEST_SUPPORTED_DRIVER
      ? `images.nvidiaDriver ${images.nvidiaDriver}, the seed's default, gets no security fixes any more, and below 555 there ` +
        `is no package for Amazon Linux 2023 (it is installed from a pinned .run); ${OLDEST_SUPPORTED_DRIVER} is supported ` +
        'until June 2028'
      : undefined,
  'plain-start': ({ nodes }) =>
    nodes.start === 'plain'
      ? 'nodes.start plain: every worker downloads and installs everything at its first boot, some eight minutes instead ' +
        'of one, and depends on every one of those downloads; build the images with carrierarr ami build' +
        (nodes.instanceProfile === undefined ? '' : '; the role of nodes.instanceProfile must be let read its bundle')
      : undefined,
  'idle-unheard': ({ agent, homelab }) =>
    agent.idleMinutes > 0 && homelab.controlPlane.trustAnchor === undefined
      ? `agent.idleMinutes ${agent.idleMinutes}, but without homelab.controlPlane.trustAnchor the control plane cannot tell AWS ` +
        'of idle workers: they run, and cost, until somebody tears them down; make a CA with carrierarr homelab certificate'
      : undefined,
  'short-ready': (config) => {
    const [ready, longest] = [config.limits.readySeconds, longestProvisionSeconds(config)];
    return ready < longest
      ? `limits.readySeconds ${ready} is below ${longest}, what the steps of a lighthouse may take together: one that is ` +
          'merely slow would be powered off by its dead-man switch while it is still being made'
      : undefined;
  },
  'agents-without-token': ({ agent }) =>
    agent.tokens
      ? undefined
      : 'agent.tokens is off: the control plane takes every agent on the mesh for the worker that it says it is, and what ' +
        'it then calls idle is torn down',
  'hasty-idle': ({ agent }) =>
    isHasty(agent)
      ? `agent.idleMinutes ${agent.idleMinutes} with agent.idleWarningMinutes ${agent.idleWarningMinutes}: the control ` +
        `plane tells of idle workers every ${IDLE_NOTICE_MINUTES} minutes, so that a warning comes late and little time is left ` +
        'after it'
      : undefined,
};

export const configWarnings = (config: Config): ConfigWarning[] =>
  (Object.keys(RULES) as WarningId[]).flatMap((id) => {
    const text = RULES[id](config);
    return text === undefined ? [] : [{ id, text, acknowledged: config.acknowledge.includes(id) }];
  });
