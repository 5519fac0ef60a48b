import type { KubeObject } from '../object.ts';
import type { NetworkModel, Probe } from './probes.ts';

const MEBIBYTE = 1_048_576;
const IP_AND_UDP = 28;

const part = (ok: boolean, ms: number, bytes: number) => ({ ok, ms, bytes });

/** What `ssm/lib/probes.sh` would leave in the termination message. */
const message = (kind: string, { mtu, down }: NetworkModel, datagram: number): unknown => {
  if (down.includes('dns') && kind === 'peering-forward') return { dns: false, connect: part(false, 10_000, 0) };
  if (down.includes('tunnel') || down.includes(kind)) return { dns: true, connect: part(false, 60_000, 0) };
  const fits = datagram + IP_AND_UDP <= mtu;
  return {
    dns: true,
    connect: part(true, 20, 64),
    download: part(fits, fits ? 90 : 15_000, fits ? MEBIBYTE : 0),
    upload: part(fits, fits ? 110 : 15_000, MEBIBYTE),
    datagram: part(fits, fits ? 30 : 6_000, fits ? datagram : 0),
  };
};

const traffic: Probe = (pod: KubeObject, { network, variable }) => ({
  exitCode: 0,
  message: JSON.stringify(
    message(String(pod.metadata.labels?.['carrierarr.io/probe']), network, Number(variable('DATAGRAM_BYTES'))),
  ),
});

/** Clients of `verify-peering`, whose servers simply keep running. `down` knows `dns`, `tunnel` and their own names. */
export const PEERING_PROBES: Readonly<Record<string, Probe>> = {
  'peering-forward': traffic,
  'peering-reverse': traffic,
  'peering-alone': () => ({ exitCode: 0, message: '{"ran":true}' }),
};
