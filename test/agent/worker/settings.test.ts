import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../agent/worker/settings.ts';

const system = { hostname: () => 'ip-10-0-0-7', addressOf: () => undefined };
const ENVIRONMENT = {
  CONTROL_PLANE_ADDR: '10.100.0.1:50051',
  NODE_TYPE: 'lighthouse',
  NEBULA_IP: '10.100.2.1',
  PRIVATE_IP: '10.0.0.7',
  PUBLIC_IP: '',
  INSTANCE_ID: 'i-0123456789abcdef0',
  AWS_REGION: 'us-west-2',
  CARRIERARR_WORKER: 'atlas',
};

describe('settings', () => {
  it('come from the environment that the boot writes', () => {
    expect(readSettings(ENVIRONMENT, [], system)).toEqual({
      controlPlane: { host: '10.100.0.1', port: 50_051 },
      tls: { on: false, caFile: undefined },
      tokenFile: '/run/carrierarr/agent-token',
      nodeType: 'lighthouse',
      nodeId: 'ip-10-0-0-7',
      worker: 'atlas',
      fleet: undefined,
      generation: undefined,
      instanceId: 'i-0123456789abcdef0',
      nebulaIp: '10.100.2.1',
      privateIp: '10.0.0.7',
      publicIp: undefined,
      region: 'us-west-2',
      availabilityZone: undefined,
      imds: undefined,
      healthPort: 8080,
      logLevel: 'info',
      exec: false,
    });
  });

  it.each([
    [['--type', 'cpu-worker', '--nebula-ip', '10.100.2.9', '--az', 'us-west-2b']],
    [['--type=cpu-worker', '--nebula-ip=10.100.2.9', '--az=us-west-2b']],
    [['-type', 'cpu-worker', '-nebula-ip=10.100.2.9', '-az', 'us-west-2b']],
  ])('give way to flags as the known agent has them: %j', (argv) => {
    expect(readSettings(ENVIRONMENT, argv, system)).toMatchObject({
      nodeType: 'cpu-worker',
      nebulaIp: '10.100.2.9',
      availabilityZone: 'us-west-2b',
    });
  });

  it('take the address of the mesh device where nobody says one', () => {
    const { NEBULA_IP, ...environment } = ENVIRONMENT;
    const addressOf = (device: string) => (device === 'nebula0' ? NEBULA_IP : undefined);

    expect(readSettings(environment, ['--nebula-ip', ''], { ...system, addressOf }).nebulaIp).toBe('10.100.2.1');
  });

  it('take an IPv6 address in brackets', () => {
    expect(readSettings({ CONTROL_PLANE_ADDR: '[fd00::1]:50051' }, [], system).controlPlane).toEqual({
      host: 'fd00::1',
      port: 50_051,
    });
  });

  it('tell all their faults at once', () => {
    const environment = {
      NODE_TYPE: 'gpu',
      NEBULA_IP: '10.100.2',
      CONTROL_PLANE_CA_FILE: 'ca.pem',
      WORKER_AGENT_HEALTH_PORT: '0',
      WORKER_AGENT_EXEC: 'yes',
    };
    const argv = ['--rabbitmq-url', 'amqp://user:secret@broker', '--verbose', '--region'];

    const faults = (): unknown => {
      try {
        return readSettings(environment, argv, system);
      } catch (error) {
        return error instanceof Error ? error.message : error;
      }
    };

    expect(faults()).toMatch(/--rabbitmq-url: agents reach the control plane by gRPC alone/);
    expect(faults()).toMatch(/--verbose: unknown, allowed: --control-plane --type/);
    expect(faults()).toMatch(/CONTROL_PLANE_ADDR: missing, allowed: host:port/);
    expect(faults()).toMatch(/NODE_TYPE: got gpu, allowed: gpu-worker, lighthouse or cpu-worker/);
    expect(faults()).toMatch(/NEBULA_IP: got 10\.100\.2, allowed: an IPv4 address/);
    expect(faults()).toMatch(/CONTROL_PLANE_CA_FILE: got ca\.pem, allowed: an absolute path/);
    expect(faults()).toMatch(/CONTROL_PLANE_CA_FILE: has no effect while CONTROL_PLANE_TLS is off/);
    expect(faults()).toMatch(/WORKER_AGENT_HEALTH_PORT: got 0, allowed: 1 to 65535/);
    expect(faults()).toMatch(/WORKER_AGENT_EXEC: got yes, allowed: on or off/);
    expect(faults()).not.toMatch(/secret/);
  });

  it.each(['10.100.0.1', '10.100.0.1:0', '10.100.0.1:70000', 'http://10.100.0.1:50051', ':50051'])(
    'refuse %s as an address',
    (address) => {
      expect(() => readSettings({ CONTROL_PLANE_ADDR: address }, [], system)).toThrow(/allowed: host:port/);
    },
  );

  it('say that a flag wants a value', () => {
    expect(() => readSettings(ENVIRONMENT, ['--az'], system)).toThrow(/--az: wants a value/);
  });
});
