import type { NodeSandbox } from '../node-sandbox.ts';
import type { StepOutcome } from '../run-step.ts';
import { lighthouseConfig, PREFLIGHT, runLook, setWorld, soundObjects, type World } from './world.ts';

export interface Fault {
  readonly check: string;
  readonly what: string;
  readonly got: string;
  readonly remedy: string;
}

export const faultsOf = ({ verdict }: StepOutcome): readonly Fault[] => verdict.faults as readonly Fault[];
export const notesOf = ({ verdict }: StepOutcome) => verdict.notes as readonly { check: string; text: string }[];

/** Runs the preflight in a sound homelab of which some objects, parameters or answers are otherwise. */
export const preflightOn =
  (node: () => NodeSandbox) =>
  async (
    changed: Readonly<Record<string, unknown>> = {},
    parameters: Readonly<Record<string, string>> = {},
    world: Partial<World> = {},
    doorAnswer?: string,
  ): Promise<StepOutcome> => {
    const objects = Object.entries({ ...soundObjects(), ...changed }).filter(([, value]) => value !== undefined);
    await setWorld(node(), { objects: Object.fromEntries(objects), ...world }, doorAnswer);
    return await runLook(node(), 'homelab-preflight', { ...PREFLIGHT, ...parameters });
  };

export const lighthouse = (overrides: Readonly<Record<string, unknown>>) => ({
  'configmap/nebula/nebula-config': { data: { 'config.yaml': lighthouseConfig(overrides) } },
});
export const rules = (...inbound: readonly unknown[]) => lighthouse({ firewall: { inbound } });
