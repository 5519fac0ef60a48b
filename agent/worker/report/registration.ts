import type { MessageInitShape } from '@bufbuild/protobuf';
import { NodeType, type RegisterRequestSchema } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { VERSION } from '../../shared/version.ts';
import type { NodeTypeName, Settings, System } from '../ports.ts';
import type { Gpus } from './gpus.ts';
import type { Imds } from './imds.ts';
import { fullestDisk, parseCpu, parseMemory } from './resources.ts';

export const MESH_DEVICE = 'nebula0';

const TYPES: Readonly<Record<NodeTypeName, NodeType>> = {
  'gpu-worker': NodeType.GPU_WORKER,
  lighthouse: NodeType.LIGHTHOUSE,
  'cpu-worker': NodeType.CPU_WORKER,
};

/** The node's mesh address: what it was told, or what Nebula's device has. */
export const meshAddress = (settings: Settings, system: System): string =>
  settings.nebulaIp || system.addressOf(MESH_DEVICE) || '';

const capabilities = async (system: System, gpus: Gpus) => {
  const [cpu, memory, disk] = await Promise.all([
    system.readText('/proc/stat').then(parseCpu),
    system.readText('/proc/meminfo').then(parseMemory),
    fullestDisk(system),
  ]);
  const known = gpus.kind === 'known' ? gpus.gpus : [];
  return {
    hasGpu: known.length > 0,
    gpuModel: known[0]?.name ?? '',
    gpuCount: known.length,
    // Of one: no instance type mixes models.
    gpuMemoryMb: BigInt(Math.round(known[0]?.memoryTotalMb ?? 0)),
    cpuCores: cpu?.cores ?? 0,
    memoryMb: BigInt(memory?.totalMb ?? 0),
    diskMb: BigInt(disk?.total ?? 0),
  };
};

const fromTags = (imds: Imds, name: string): Promise<string | undefined> =>
  imds.get(`tags/instance/carrierarr:${name}`);
// An empty line in the environment file stands for what the boot did not know.
const first = async (told: string | undefined, ask: () => Promise<string | undefined>): Promise<string> =>
  told || ((await ask()) ?? '');

/** Who the node is. What the environment does not tell is asked of the instance metadata; what nobody tells is empty. */
export const register = async (
  settings: Settings,
  system: System,
  imds: Imds,
  gpus: Gpus,
): Promise<MessageInitShape<typeof RegisterRequestSchema>> => {
  const [instanceId, publicIp, region, availabilityZone, instanceType, market, worker, fleet, generation, can] =
    await Promise.all([
      first(settings.instanceId, () => imds.get('instance-id')),
      first(settings.publicIp, () => imds.get('public-ipv4')),
      first(settings.region, () => imds.get('placement/region')),
      first(settings.availabilityZone, () => imds.get('placement/availability-zone')),
      first(undefined, () => imds.get('instance-type')),
      first(undefined, () => imds.get('instance-life-cycle')),
      first(settings.worker, () => fromTags(imds, 'worker')),
      first(settings.fleet, () => fromTags(imds, 'fleet')),
      first(settings.generation, () => fromTags(imds, 'generation')),
      capabilities(system, gpus),
    ]);
  return {
    nodeId: settings.nodeId,
    nodeType: TYPES[settings.nodeType],
    // The known agent's rule: a machine that is no instance goes by its name.
    instanceId: instanceId || settings.nodeId,
    nebulaIp: meshAddress(settings, system),
    publicIp,
    region,
    availabilityZone,
    labels: settings.privateIp ? { 'private-ip': settings.privateIp } : {},
    capabilities: can,
    agentVersion: VERSION,
    worker,
    instanceType,
    market,
    fleet,
    generation,
  };
};
