import { ConfigurationError } from '#shared/errors.ts';
import type { Settings, System } from '../ports.ts';
import type { Target } from './session.ts';

/** What a header value may hold; anything else is no token. */
const TOKEN = /^[\x21-\x7e]{1,8192}$/;

export interface Credentials {
  readonly target: Target;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Where to connect and as whom. Read anew for each connection: the token is renewed with the node's certificate, and is
 * missing where the control plane wants none.
 */
export const readCredentials = async (settings: Settings, system: Pick<System, 'readText'>): Promise<Credentials> => {
  const { controlPlane, tls, nebulaIp, tokenFile } = settings;
  const ca = tls.caFile === undefined ? undefined : await system.readText(tls.caFile);
  if (tls.caFile !== undefined && ca === undefined)
    throw new ConfigurationError({
      what: `the file of CONTROL_PLANE_CA_FILE cannot be read: ${tls.caFile}`,
      remedy: 'write the PEM of the authority that signed the control plane there; the agent tries again',
    });
  const token = (await system.readText(tokenFile))?.trim() ?? '';
  if (token !== '' && !TOKEN.test(token))
    throw new ConfigurationError({
      what: `the file of WORKER_AGENT_TOKEN_FILE holds no token: ${tokenFile}`,
      remedy: 'renew the certificate of the worker, which writes it anew; the agent tries again',
    });
  return {
    target: {
      ...controlPlane,
      ...(tls.on ? { tls: { ca } } : {}),
      ...(nebulaIp === undefined ? {} : { localAddress: nebulaIp }),
    },
    headers: token === '' ? {} : { authorization: `Bearer ${token}` },
  };
};
