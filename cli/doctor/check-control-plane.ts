import type { FleetSettings } from '#contract';
import type { FleetOutputs } from '../doors/outputs.ts';
import { type Finding, ok, warn } from './finding.ts';

const CHECK = 'control plane';
const LIMIT_MILLISECONDS = 3_000;
const EXPIRY = /^carrierarr_aws_certificate_expiry_seconds ([0-9.e+]+)$/m;
const MONTH = 30 * 86_400_000;
const RENEW =
  '`carrierarr homelab certificate --renew`, then `carrierarr homelab control-plane --secrets | kubectl apply -f -`';

const checkIdentity = (outputs: FleetOutputs, { agent }: FleetSettings): Finding[] => {
  if (outputs.find('controlPlaneTrustAnchor') !== undefined) return [];
  if (agent.idleMinutes === 0) return [];
  return [
    warn(
      CHECK,
      'it has no identity at AWS, so idle workers are not torn down',
      'run `carrierarr homelab certificate`; see docs/homelab.md',
    ),
  ];
};

/** The control plane itself knows when its certificate ends; 0 until it has read one. */
const checkExpiry = (metrics: string, now: Date): Finding[] => {
  const end = Number(EXPIRY.exec(metrics)?.[1] ?? 0) * 1000;
  if (end === 0 || end - now.getTime() > MONTH) return [];
  const until = new Date(end).toISOString();
  const words = end > now.getTime() ? `ends at ${until}` : `ended at ${until}: AWS is told nothing`;
  return [warn(CHECK, `its certificate for AWS ${words}`, RENEW)];
};

const checkPage = async (url: string, now: Date): Promise<Finding[]> => {
  const metrics = new URL('metrics', url.endsWith('/') ? url : `${url}/`);
  try {
    const answer = await fetch(metrics, { signal: AbortSignal.timeout(LIMIT_MILLISECONDS) });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return [ok(CHECK, `answers at ${url}`), ...checkExpiry(await answer.text(), now)];
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return [
      warn(
        CHECK,
        `does not answer at ${metrics} from here: ${cause instanceof Error ? cause.message : String(cause)}`,
        'nothing to do away from home; else look at `kubectl -n carrierarr get pods` and homelab.controlPlane.url',
      ),
    ];
  }
};

/** The homelab's control plane, as far as it can be seen from here. */
export const checkControlPlane = async (
  outputs: FleetOutputs,
  settings: FleetSettings,
  now: Date,
): Promise<Finding[]> => {
  const url = outputs.find('controlPlaneUrl');
  return [...checkIdentity(outputs, settings), ...(url === undefined ? [] : await checkPage(url, now))];
};
