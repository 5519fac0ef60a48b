import { describe, expect, it } from 'vitest';
import { configWarnings, parseConfig, toFleetSettings } from '../../lib/config.ts';
import { faultsOf, fieldsOf } from './support/config-faults.ts';

describe('the agents', () => {
  it('have tokens, and idle workers go after half an hour, unless told otherwise', () => {
    expect(parseConfig().agent).toEqual({ verify: true, tokens: true, idleMinutes: 30, idleWarningMinutes: 5 });
  });

  it('tell the functions when a worker has been idle for too long', () => {
    const config = parseConfig({ agent: { idleMinutes: 45, idleWarningMinutes: 10 } });

    expect(toFleetSettings(config, []).agent).toEqual({ idleMinutes: 45, idleWarningMinutes: 10 });
  });

  it('may stay idle for ever', () => {
    expect(parseConfig({ agent: { idleMinutes: 0 } }).agent.idleMinutes).toBe(0);
  });

  it.each([1, 9, -5, 12.5])('are not torn down after %s minutes, of which the control plane does not tell', (idle) => {
    expect(fieldsOf({ agent: { idleMinutes: idle, idleWarningMinutes: 5 } })).toContain('agent.idleMinutes');
  });

  it('are warned of before they go, not when', () => {
    expect(faultsOf({ agent: { idleMinutes: 10, idleWarningMinutes: 10 } })).toEqual([
      {
        field: 'agent.idleWarningMinutes',
        what: 'not less than agent.idleMinutes',
        got: '10 with agent.idleMinutes 10',
        allowed: 'less than 10',
      },
    ]);
  });

  it('leave the warning alone where idle workers stay', () => {
    expect(faultsOf({ agent: { idleMinutes: 0, idleWarningMinutes: 20 } })).toEqual([]);
  });

  it('warn where nothing proves who they are', () => {
    const ids = configWarnings(parseConfig({ agent: { tokens: false } })).map(({ id }) => id);

    expect(ids).toContain('agents-without-token');
  });
});
