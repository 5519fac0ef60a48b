import { describe, expect, it } from 'vitest';
import { PermissionError, ThrottledError } from '#shared/errors.ts';
import { aCertificate, aReservedLife } from '../../fake/registry-builders.ts';
import { settings } from '../launch/builders.ts';
import { aFleet, aReadyWorker, instanceTags, MINUTE_MS, run, runTwice, TEARDOWN } from './builders.ts';

describe('an orphaned instance', () => {
  it('is marked at the first look and terminated at the second, in a later run', async () => {
    const fleet = aFleet();
    const id = fleet.ec2.plant({ tags: instanceTags('gone', 'mhx0000a') });
    fleet.clock.advance(20 * MINUTE_MS);

    const { first, second } = await runTwice(fleet);

    const found = { kind: 'instance', id, worker: 'gone', error: '' };
    expect(first).toEqual([expect.objectContaining({ ...found, action: 'marked' })]);
    expect(second).toEqual([expect.objectContaining({ ...found, action: 'terminated' })]);
    expect(fleet.ec2.alive()).toEqual([]);
  });

  it('is not terminated by two runs in the same minute', async () => {
    const fleet = aFleet();
    fleet.ec2.plant({ tags: instanceTags('gone', 'mhx0000a') });
    fleet.clock.advance(20 * MINUTE_MS);

    await run(fleet);
    fleet.clock.advance(30_000);
    const findings = await run(fleet);

    expect(findings).toMatchObject([{ action: 'marked' }]);
    expect(fleet.ec2.alive()).toHaveLength(1);
  });

  it('is only marked by the first run, even where no minimum age is set', async () => {
    const limits = { ...settings().limits, sweepMinimumAgeSeconds: 0 };
    const fleet = aFleet({ limits });
    fleet.ec2.plant({ tags: instanceTags('gone', 'mhx0000a') });

    const first = await run(fleet);
    fleet.clock.advance(1);
    const second = await run(fleet);

    expect([...first, ...second].map(({ action }) => action)).toEqual(['marked', 'terminated']);
  });

  it('is left alone while it is young: its row may not be there yet', async () => {
    const fleet = aFleet();
    fleet.ec2.plant({ tags: instanceTags('new', 'mhx0000a') });

    expect(await run(fleet)).toEqual([]);
    fleet.clock.advance(14 * MINUTE_MS);
    expect(await run(fleet)).toEqual([]);
    expect(fleet.ec2.alive()).toHaveLength(1);
  });

  it('of a removed worker is found: the execution was aborted between launch and record', async () => {
    const fleet = aFleet();
    const life = await aReservedLife(fleet.registry, 'gpu-worker-001');
    await fleet.registry.fence(life, TEARDOWN, 900);
    await fleet.registry.markRemoved(life, TEARDOWN);
    const id = fleet.ec2.plant({ tags: instanceTags(life.name, life.generation) });
    fleet.clock.advance(20 * MINUTE_MS);

    const { second } = await runTwice(fleet);

    expect(second).toEqual([expect.objectContaining({ id, reason: 'its worker was removed', action: 'terminated' })]);
  });

  it('of an earlier life goes, the worker of the present life stays', async () => {
    const fleet = aFleet();
    const worker = await aReadyWorker(fleet, 'gpu-worker-001');
    const old = fleet.ec2.plant({ tags: instanceTags('gpu-worker-001', 'mhx0000a') });
    fleet.clock.advance(20 * MINUTE_MS);

    await runTwice(fleet);

    expect(fleet.ec2.alive().map((instance) => instance.instanceId)).toEqual([worker.instanceId]);
    expect(old).not.toBe(worker.instanceId);
  });

  it('is also the second one of a life whose row names another: two launches overlapped', async () => {
    const fleet = aFleet();
    const worker = await aReadyWorker(fleet, 'gpu-worker-001');
    fleet.ec2.plant({ tags: instanceTags(worker.name, worker.generation) });
    fleet.clock.advance(20 * MINUTE_MS);

    await runTwice(fleet);

    expect(fleet.ec2.alive().map((instance) => instance.instanceId)).toEqual([worker.instanceId]);
  });

  it('is spared when its worker is back by the second look', async () => {
    const fleet = aFleet();
    const life = await aReservedLife(fleet.registry, 'gpu-worker-001');
    fleet.ec2.plant({ tags: instanceTags(life.name, life.generation) });
    fleet.clock.advance(20 * MINUTE_MS);
    const hidden = { ...fleet, ports: { ...fleet.ports, registry: { ...fleet.registry, list: async () => [] } } };

    await runTwice(hidden);

    expect(fleet.ec2.alive()).toHaveLength(1);
  });

  it('stays, with its secret, when a human tagged it carrierarr:keep', async () => {
    const fleet = aFleet();
    fleet.ec2.plant({ tags: instanceTags('gone', 'mhx0000a', { 'carrierarr:keep': 'debugging' }) });
    fleet.secrets.plantFor('gone', 'mhx0000a');
    fleet.clock.advance(20 * MINUTE_MS);

    const { second } = await runTwice(fleet);

    expect(second).toEqual([
      expect.objectContaining({ kind: 'instance', action: 'none', reason: expect.stringContaining('kept by its tag') }),
      expect.objectContaining({ kind: 'secret', action: 'none', reason: expect.stringContaining('kept by its tag') }),
    ]);
    expect(fleet.ec2.alive()).toHaveLength(1);
    expect(fleet.secrets.names()).toHaveLength(1);
  });

  it('is only what is tagged as a worker of this fleet', async () => {
    const fleet = aFleet();
    fleet.ec2.plant({ tags: { 'carrierarr:fleet': 'carrierarr', Name: 'image builder' } });
    fleet.ec2.plant({ tags: instanceTags('other', 'mhx0000a', { 'carrierarr:fleet': 'other' }) });
    fleet.clock.advance(20 * MINUTE_MS);

    expect(await run(fleet)).toEqual([]);
  });
});

describe('an orphaned secret', () => {
  it('is deleted at the second look and its certificates revoked', async () => {
    const fleet = aFleet();
    fleet.secrets.plantFor('gone', 'mhx0000a');
    const revoked: unknown[] = [];
    const registry = {
      ...fleet.registry,
      revokeCertificates: async (life: unknown) => {
        revoked.push(life);
        return [];
      },
    };
    fleet.clock.advance(20 * MINUTE_MS);

    const { first, second } = await runTwice({ ...fleet, ports: { ...fleet.ports, registry } });

    expect(first).toMatchObject([{ kind: 'secret', worker: 'gone', action: 'marked' }]);
    expect(second).toMatchObject([{ kind: 'secret', worker: 'gone', action: 'deleted' }]);
    expect(fleet.secrets.names()).toEqual([]);
    expect(revoked).toEqual([{ name: 'gone', generation: 'mhx0000a' }]);
  });

  it('is left alone while it is young: its instance may not be there yet', async () => {
    const fleet = aFleet();
    fleet.secrets.plantFor('new', 'mhx0000a');
    fleet.clock.advance(14 * MINUTE_MS);

    expect(await run(fleet)).toEqual([]);
  });

  it('may be a credential between nodes: of a worker that is gone, or of one that has long been ready', async () => {
    const fleet = aFleet();
    const { generation } = await aReadyWorker(fleet, 'lh');
    await fleet.registry.recordCertificate(aCertificate({ name: 'lh', generation }));
    const tags = (name: string, life: string) => ({ ...instanceTags(name, life), 'carrierarr:writer': 'arn:node' });
    fleet.secrets.plant('catalyst-llm/handover-lh-aws', tags('lh', generation));
    fleet.secrets.plant('catalyst-llm/handover-gone-aws', tags('gone', 'mhx0000a'));
    fleet.clock.advance(20 * MINUTE_MS);

    const { second } = await runTwice(fleet);

    expect(second).toMatchObject([
      { kind: 'secret', worker: 'lh', reason: 'its credential has been handed over', action: 'deleted', error: '' },
      { kind: 'secret', worker: 'gone', action: 'deleted', error: '' },
    ]);
    expect(fleet.secrets.names()).toEqual(['catalyst-llm/nebula-lh']);
    const [certificate] = await fleet.registry.listCertificates({ name: 'lh' });
    expect(certificate?.status).toBe('issued');
  });

  it('is no credential of a worker that is still being made', async () => {
    const fleet = aFleet();
    const { generation } = await aReadyWorker(fleet, 'lh', 'MESHED');
    fleet.secrets.plant('catalyst-llm/handover-lh-aws', {
      ...instanceTags('lh', generation),
      'carrierarr:writer': 'arn:node',
    });
    fleet.clock.advance(20 * MINUTE_MS);

    await runTwice(fleet);

    expect(fleet.secrets.names()).toContain('catalyst-llm/handover-lh-aws');
  });

  it('is none that carries the fleet’s tag but no worker’s, nor one that a worker needs', async () => {
    const fleet = aFleet();
    await aReadyWorker(fleet, 'gpu-worker-001');
    fleet.secrets.plant('catalyst-llm/ca-key', { 'carrierarr:fleet': 'carrierarr' });
    fleet.clock.advance(20 * MINUTE_MS);

    await runTwice(fleet);

    expect(fleet.secrets.names()).toHaveLength(2);
  });
});

describe('one item that fails', () => {
  it('never stops the others', async () => {
    const fleet = aFleet();
    const bad = fleet.ec2.plant({ tags: instanceTags('bad', 'mhx0000a') });
    const good = fleet.ec2.plant({ tags: instanceTags('good', 'mhx0000a') });
    fleet.secrets.plantFor('good', 'mhx0000a');
    const stuck = await aReservedLife(fleet.registry, 'stuck');
    fleet.statuses.set(stuck.execution, 'closed');
    fleet.clock.advance(20 * MINUTE_MS);
    await run(fleet);
    fleet.clock.advance(15 * MINUTE_MS);
    fleet.ec2.failNext('terminate', new PermissionError({ what: 'refused', remedy: 'ask' }));

    const findings = await run(fleet);

    expect(findings).toEqual([
      expect.objectContaining({ id: bad, action: 'none', error: expect.stringContaining('refused') }),
      expect.objectContaining({ id: good, action: 'terminated', error: '' }),
      expect.objectContaining({ kind: 'secret', worker: 'good', action: 'deleted', error: '' }),
      expect.objectContaining({ kind: 'worker', worker: 'stuck', action: 'teardown-started', error: '' }),
    ]);
  });

  it('may be a whole list: secrets that cannot be listed do not save orphaned instances', async () => {
    const fleet = aFleet();
    fleet.ec2.plant({ tags: instanceTags('gone', 'mhx0000a') });
    fleet.secrets.failOn('ofFleet', new PermissionError({ what: 'refused', remedy: 'ask' }));
    fleet.clock.advance(20 * MINUTE_MS);

    const { second } = await runTwice(fleet);

    expect(second).toMatchObject([
      { kind: 'secret', id: '*', action: 'none' },
      { kind: 'instance', action: 'terminated' },
    ]);
  });

  it('may be a worker whose execution cannot be looked up', async () => {
    const fleet = aFleet();
    await aReservedLife(fleet.registry, 'gpu-worker-001');
    fleet.clock.advance(20 * MINUTE_MS);
    const status = async () => {
      throw new ThrottledError({ what: 'slow down', remedy: 'again' });
    };

    const findings = await run({ ...fleet, ports: { ...fleet.ports, executions: { status } } });

    expect(findings).toMatchObject([{ kind: 'worker', reason: 'could not be judged', action: 'none' }]);
  });
});

describe('a dry run', () => {
  it('reports everything and changes nothing, not even the first look', async () => {
    const fleet = aFleet();
    fleet.ec2.plant({ tags: instanceTags('gone', 'mhx0000a') });
    fleet.secrets.plantFor('gone', 'mhx0000a');
    const life = await aReservedLife(fleet.registry, 'stuck');
    fleet.statuses.set(life.execution, 'closed');
    fleet.clock.advance(20 * MINUTE_MS);

    await run(fleet, true);
    fleet.clock.advance(15 * MINUTE_MS);
    const findings = await run(fleet, true);
    const afterwards = await run(fleet);

    expect(findings.map(({ kind, action }) => `${kind} ${action}`)).toEqual([
      'instance none',
      'secret none',
      'worker none',
    ]);
    expect(afterwards).toMatchObject([{ action: 'marked' }, { action: 'marked' }, { action: 'teardown-started' }]);
  });
});
