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

  it.each([-5, 20_000, '30'])('are not torn down after %j minutes', (idle) => {
    expect(fieldsOf({ agent: { idleMinutes: idle } })).toContain('agent.idleMinutes');
  });

  it.each([
    [9, 5],
    [30, 2],
    [0.5, 0.2],
  ])('are torn down after %s minutes with %s of warning, which is said to be hasty', (idle, warning) => {
    const config = parseConfig({ agent: { idleMinutes: idle, idleWarningMinutes: warning } });

    expect(configWarnings(config).map(({ id }) => id)).toContain('hasty-idle');
  });

  it('are not warned of as hasty by default, nor where idle workers stay', () => {
    const ids = [{}, { agent: { idleMinutes: 0 } }].flatMap((layer) => configWarnings(parseConfig(layer)));

    expect(ids.map(({ id }) => id)).not.toContain('hasty-idle');
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
