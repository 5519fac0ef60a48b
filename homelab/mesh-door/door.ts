import { setTimeout as pause } from 'node:timers/promises';
import { keepListening, type Listener } from '../../agent/shared/listen.ts';
import type { Log } from '../../agent/shared/log.ts';
import { Connections } from './connections.ts';
import { createForward } from './forward.ts';
import { createProxy } from './proxy.ts';
import type { Settings } from './settings.ts';

export interface OpenDoor {
  /** Takes nothing new, gives what is open a while to end, then ends it. */
  close(): Promise<void>;
}

/** Opens the door: the proxy for the homelab's pods, and the way of the workers' agents to the control plane. */
export const openDoor = (settings: Settings, log: Log): OpenDoor => {
  const { hostAddress, proxyPort, meshAddress, forward, drainMilliseconds } = settings;
  const connections = new Connections();
  let inward: Listener | undefined;
  const health = () => ({
    status: 'ok',
    forward: inward === undefined ? 'off' : inward.listening() ? 'listening' : 'waiting',
    sockets: connections.count,
  });
  const proxy = createProxy({ settings, connections, log }, health);
  const outward = keepListening(proxy, hostAddress, proxyPort, 'proxy', log);
  if (forward !== undefined) {
    const server = createForward({ settings, connections, log }, forward);
    inward = keepListening(server, meshAddress, forward.port, 'forward', log);
  }
  return {
    close: async () => {
      outward.stop();
      inward?.stop();
      proxy.closeIdleConnections();
      const deadline = Date.now() + drainMilliseconds;
      while (connections.count > 0 && Date.now() < deadline) await pause(50);
      connections.end();
      if (connections.count > 0) await pause(Math.min(500, drainMilliseconds));
      connections.destroy();
    },
  };
};
