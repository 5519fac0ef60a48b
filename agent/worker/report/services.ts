import { ServiceState } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import type { System } from '../ports.ts';
import { lastLine } from '../text.ts';
import {
  isInstalled,
  parseUnits,
  type ServiceStatusInit,
  type UnitFacts,
  unitStatus,
  unitsCommand,
  unknownService,
} from './units.ts';

const LIMIT_MS = 5000;
// From a cold disk Ollama takes that long until it answers.
const OLLAMA_START_SECONDS = 60;

export interface Services {
  readonly nebula: ServiceStatusInit;
  readonly k3s: ServiceStatusInit;
  readonly ollama: ServiceStatusInit;
}

/** Three times the same, for when systemd itself gives no answer. */
export const unknownServices = (reason: string): Services => {
  const service = unknownService(reason);
  return { nebula: service, k3s: service, ollama: service };
};

// A node has a server of k3s or an agent; where an image has both units, the one that is in use speaks.
const ofK3s = (units: ReadonlyMap<string, UnitFacts>): UnitFacts | undefined => {
  const both = ['k3s', 'k3s-agent'].map((name) => units.get(name));
  const there = both.filter(isInstalled);
  return there.find((unit) => unit?.ActiveState !== 'inactive') ?? there[0] ?? both[0];
};

/** The units' states, by one call of systemctl. */
export const askServices = async (system: System, uptime: number | undefined): Promise<Services> => {
  const ran = await system.run(unitsCommand(['nebula', 'k3s', 'k3s-agent', 'ollama']), { timeoutMs: LIMIT_MS });
  if (ran.code !== 0) return unknownServices(`systemctl ended with ${ran.code}: ${lastLine(ran.stderr)}`);
  const units = parseUnits(ran.stdout);
  return {
    nebula: unitStatus(units.get('nebula'), uptime),
    k3s: unitStatus(ofK3s(units), uptime),
    ollama: unitStatus(units.get('ollama'), uptime),
  };
};

/** Ollama runs for systemd; whether it answers decides whether it runs for anybody else. */
export const confirmOllama = (ollama: ServiceStatusInit, answers: boolean): ServiceStatusInit => {
  if (ollama.state !== ServiceState.RUNNING || answers) return ollama;
  const isNew = (ollama.uptimeSeconds ?? 0n) < OLLAMA_START_SECONDS;
  return { ...ollama, state: isNew ? ServiceState.STARTING : ServiceState.ERROR, message: 'active, gives no answer' };
};
