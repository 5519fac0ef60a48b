import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../homelab/mesh-door/settings.ts';

const GOOD = { DOOR_HOST_ADDRESS: '192.168.1.54', DOOR_SOURCES: '10.244.0.0/16,192.168.1.0/24' };

const faultsOf = (environment: NodeJS.ProcessEnv): string => {
  try {
    readSettings(environment);
    return '';
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : '';
  }
};

describe('the settings of the mesh door', () => {
  it('need only what differs from homelab to homelab', () => {
    const settings = readSettings(GOOD);

    expect(settings).toMatchObject({ proxyPort: 3128, meshAddress: '10.100.0.1', forward: undefined });
    expect([...settings.ports]).toEqual([6443, 11434, 8080]);
    expect(settings.keepAliveMilliseconds).toBe(30_000);
    expect(settings.sources.check('10.244.7.1')).toBe(true);
    expect(settings.sources.check('10.245.0.1')).toBe(false);
  });

  it('tell every fault at once, with what is allowed', () => {
    const faults = faultsOf({
      DOOR_HOST_ADDRESS: 'talos00',
      DOOR_PROXY_PORT: '70000',
      DOOR_PORTS: '6443,http',
      DOOR_FORWARD_TO: 'control-plane',
      DOOR_MAX_CONNECTIONS: '0',
    });

    expect(faults).toMatch(/^ConfigurationError: /);
    for (const fault of [
      'DOOR_HOST_ADDRESS: got talos00, allowed: an IPv4 address',
      'DOOR_SOURCES: missing',
      'DOOR_PROXY_PORT: got 70000, allowed: 1 to 65535',
      'DOOR_PORTS: got 6443,http',
      'DOOR_FORWARD_TO: got control-plane, allowed: host:port',
      'DOOR_MAX_CONNECTIONS: got 0',
      'Remedy: ',
    ])
      expect(faults).toContain(fault);
  });

  it.each([
    ['everybody as source', { DOOR_SOURCES: '0.0.0.0/0' }, 'none wider than /8'],
    ['an empty list of sources', { DOOR_SOURCES: '' }, 'DOOR_SOURCES: empty'],
    ['workers as sources', { DOOR_SOURCES: '10.100.2.0/24' }, 'overlaps DOOR_MESH_CIDR'],
    ['a wider range that holds the workers', { DOOR_SOURCES: '10.0.0.0/8' }, 'overlaps DOOR_MESH_CIDR'],
    ['the proxy on the mesh', { DOOR_HOST_ADDRESS: '10.100.0.1' }, 'lies in the mesh'],
    ['a mesh address outside the mesh', { DOOR_MESH_ADDRESS: '10.99.0.1' }, 'lies outside DOOR_MESH_CIDR'],
  ])('refuse %s', (_, wrong, fault) => {
    expect(faultsOf({ ...GOOD, ...wrong })).toContain(fault);
  });

  it('take a target for the forward', () => {
    const { forward } = readSettings({ ...GOOD, DOOR_FORWARD_TO: 'carrierarr-control-plane.carrierarr.svc:50051' });

    expect(forward).toEqual({ port: 50_051, host: 'carrierarr-control-plane.carrierarr.svc', targetPort: 50_051 });
  });
});
