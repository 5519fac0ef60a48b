import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { NodeType, type RegisterRequest, RegisterRequestSchema } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { VERSION } from '../../shared/version.ts';
import type { NodeTypeName, Settings } from '../ports.ts';

const NODE_TYPES: Readonly<Record<NodeTypeName, NodeType>> = {
  'gpu-worker': NodeType.GPU_WORKER,
  lighthouse: NodeType.LIGHTHOUSE,
  'cpu-worker': NodeType.CPU_WORKER,
};

/**
 * What the agent was told at its start, with what the reporter has found on top. Without the reporter it is enough to
 * be known by: a node that cannot be looked at must not be lost from sight.
 */
export const toRegistration = (
  settings: Settings,
  found: MessageInitShape<typeof RegisterRequestSchema> | undefined,
): RegisterRequest =>
  create(RegisterRequestSchema, {
    nebulaIp: settings.nebulaIp ?? '',
    publicIp: settings.publicIp ?? '',
    instanceId: settings.instanceId ?? '',
    region: settings.region ?? '',
    availabilityZone: settings.availabilityZone ?? '',
    worker: settings.worker ?? '',
    fleet: settings.fleet ?? '',
    generation: settings.generation ?? '',
    agentVersion: VERSION,
    ...found,
    nodeType: NODE_TYPES[settings.nodeType],
    nodeId: settings.nodeId,
  });
