import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationError, InputError } from '../../lambda/shared/errors.ts';
import { SETTINGS } from '../fake/doors.ts';
import { aProxyEvent, problemOf } from '../fake/proxy-event.ts';
import { PROVISION_MACHINE, TEARDOWN_MACHINE } from '../fake/registry-builders.ts';

/** What `lib/` sets for these functions; nothing they are asked here leads to a call of AWS. */
const stubEnvironment = () => {
  vi.stubEnv('AWS_REGION', 'us-west-2');
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  vi.stubEnv('FLEET_SETTINGS', JSON.stringify(SETTINGS));
  vi.stubEnv('REGISTRY_TABLE', 'carrierarr-registry');
  vi.stubEnv('EVENT_BUS', 'carrierarr');
  vi.stubEnv('PROVISION_STATE_MACHINE', PROVISION_MACHINE);
  vi.stubEnv('TEARDOWN_STATE_MACHINE', TEARDOWN_MACHINE);
  vi.stubEnv('SWEEP_STATE_MACHINE', TEARDOWN_MACHINE);
};

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

describe('the handlers of steps', () => {
  it('know the operations of their own side only', async () => {
    stubEnvironment();
    vi.stubEnv('MANAGED_INSTANCE_ARN', 'arn:aws:ssm:us-west-2:111122223333:managed-instance/');
    const workers = await import('../../lambda/run-command/handler.ts');
    const homelab = await import('../../lambda/run-command/homelab.handler.ts');

    await expect(workers.handler({ operation: 'find' })).rejects.toThrow(/online, start, poll, cancel/);
    await expect(homelab.handler({ operation: 'online' })).rejects.toThrow(/find, start, poll, cancel/);
  });

  it('say at once that the homelab’s ARN is missing', async () => {
    stubEnvironment();

    await expect(import('../../lambda/run-command/homelab.handler.ts')).rejects.toThrow(/MANAGED_INSTANCE_ARN/);
  });
});

describe('the handlers of registry and doors', () => {
  it('refuse an operation, an event or a call they do not know', async () => {
    stubEnvironment();
    const registry = await import('../../lambda/registry/handler.ts');
    const api = await import('../../lambda/api/handler.ts');
    const scale = await import('../../lambda/scale/handler.ts');
    const rescue = await import('../../lambda/rescue/handler.ts');
    const observe = await import('../../lambda/observe/handler.ts');

    await expect(registry.handler({ operation: 'launch' })).rejects.toThrow(/releaseAddress/);
    await expect(scale.handler({ 'detail-type': 'Worker Ready' })).rejects.toThrow(/Scale Out Requested/);
    await expect(observe.handler({ 'detail-type': 'Worker Ready' })).rejects.toThrow(/Worker Idle/);
    await expect(rescue.handler({ detail: { status: 'SUCCEEDED' } })).rejects.toMatchObject({ name: InputError.name });
    expect(problemOf(await api.handler(aProxyEvent('GET', '/certificates'))).status).toBe(404);
  });

  it.each(['registry', 'api', 'scale', 'rescue', 'observe'])(
    '%s says at once which variable is missing',
    async (name) => {
      stubEnvironment();
      vi.stubEnv('REGISTRY_TABLE', undefined);

      const loading = import(`../../lambda/${name}/handler.ts`);

      await expect(loading).rejects.toMatchObject({ name: ConfigurationError.name });
      await expect(loading).rejects.toThrow(/REGISTRY_TABLE/);
    },
  );
});
