import { synthesisedMachines } from './machines.ts';
import { answering, type World } from './replies.ts';
import { type Call, type Walk, walk } from './walk.ts';

/** Machines by the configuration that they are made of. */
export const DEFAULT = synthesisedMachines();
export const EVERYTHING = synthesisedMachines({ liqo: { direction: 'both' }, cilium: { clusterMesh: true } });
/** What the seed's run-book says, word for word. */
export const SEED = synthesisedMachines({
  k3s: { nodeNetwork: 'mesh' },
  cilium: { apiServer: 'mesh', clusterMesh: true, kubeProxyReplacement: false },
  liqo: { direction: 'aws-consumes-homelab', gatewayPath: 'mesh' },
});
export const WITHOUT_LIQO = synthesisedMachines({ liqo: { enabled: false }, agent: { verify: false } });

export const MESH_WITHOUT_LIQO = synthesisedMachines({
  liqo: { enabled: false },
  cilium: { clusterMesh: true },
  agent: { verify: false },
});

/** Walks a provision. */
export const live = async (world: World, machines = DEFAULT): Promise<Walk> => {
  if (machines.provision === undefined) throw new Error('no machine');
  return await walk(machines.provision, {}, answering(world));
};

/** Walks a teardown. */
export const die = async (world: World, machines = DEFAULT): Promise<Walk> => {
  if (machines.teardown === undefined) throw new Error('no machine');
  return await walk(machines.teardown, { name: 'w1' }, answering(world));
};

/** Steps in the order in which they are started. */
export const stepsOf = ({ calls }: Walk): string[] =>
  calls.filter(({ operation }) => operation === 'start').map(({ payload }) => String(payload.step));

/** The call that a state made. */
export const callOf = ({ calls }: Walk, state: string): Call => {
  const call = calls.find((each) => each.state === state);
  if (call === undefined) throw new Error(`${state} was not entered`);
  return call;
};

export const parametersOf = (walked: Walk, state: string): Record<string, string> =>
  callOf(walked, state).payload.parameters as Record<string, string>;

/** Phases in the order in which they were recorded, each with its details. */
export const phasesOf = ({ calls }: Walk): [unknown, unknown][] =>
  calls.filter(({ operation }) => operation === 'advance').map(({ payload }) => [payload.phase, payload.details]);
