import * as z from 'zod/mini';
import { ServiceState } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { isInstalled, parseUnits, unitStatus, unitsCommand } from '../report/units.ts';
import { lastLine } from '../text.ts';
import { withArguments } from './arguments.ts';
import { done, failed, type Handler, refused, TIMED_OUT } from './outcome.ts';

const ALLOWED = ['ollama', 'nebula', 'k3s', 'k3s-agent'] as const;
const SHOW_MS = 5000;
const RESTART_MS = 120_000;

/**
 * Restarts a service of the list, where the node has it. Nebula is one: our own connection goes over it, and the result
 * is delivered after it has come back.
 */
export const restartService: Handler = withArguments(
  z.strictObject({ service: z.enum(ALLOWED, `must be one of ${ALLOWED.join(', ')}`) }),
  async ({ system, controls }, { service }, { signal }) => {
    const look = async () => {
      const ran = await system.run(unitsCommand([service]), { timeoutMs: SHOW_MS });
      return parseUnits(ran.stdout).get(service);
    };
    if (!isInstalled(await look())) return refused(`this node has no ${service}`);
    const ran = await system.run(['systemctl', 'restart', `${service}.service`], { timeoutMs: RESTART_MS, signal });
    const { state, message = '' } = unitStatus(await look(), undefined);
    controls.reportSoon();
    if (state === ServiceState.RUNNING && ran.code === 0) return done(`${service}: ${message}`);
    const said = ran.code === 0 ? '' : `; systemctl ended with ${ran.code}: ${lastLine(ran.stderr)}`;
    return failed(`${service} does not run: ${message}${said}`, ran.code === 0 ? 1 : Math.min(ran.code, TIMED_OUT));
  },
);
