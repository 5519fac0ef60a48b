import { describe, expect, it } from 'vitest';
import type { Registry } from '../../../lambda/registry/port.ts';
import { ClusterConflictError, OwnershipLostError } from '../../../lambda/shared/errors.ts';
import { aReservation, aReservedLife, executionArn, launchFacts } from '../../fake/registry-builders.ts';
import type { MakeRegistry } from './contract-life.ts';

const TEARDOWN = executionArn('teardown-1');
const LEASE = 600;
const SERVER = { worker: { role: 'lighthouse' as const } };
const OTHER = { worker: { role: 'lighthouse' as const, cluster: 'other' } };

const aServer = (registry: Registry, name: string) => aReservedLife(registry, name, SERVER);

/** What every registry does with clusters and with commands beside a worker's own. */
export const describeClusters = (make: MakeRegistry): void => {
  describe('a cluster', () => {
    it('has one lighthouse, and says which when another asks', async () => {
      const { registry } = await make();
      await aServer(registry, 'lh-1');

      const second = registry.reserve(aReservation('lh-2', SERVER));

      await expect(second).rejects.toThrow(ClusterConflictError);
      await expect(second).rejects.toThrow(/aws-k3s.*lh-1, in phase RESERVED.*tear lh-1 down/);
      expect(await registry.find('lh-2')).toBeUndefined();
    });

    it('goes to one of twenty lighthouses that come at once', async () => {
      const { registry } = await make();
      const names = Array.from({ length: 20 }, (_, index) => `lh-${index}`);

      const settled = await Promise.allSettled(names.map((name) => aServer(registry, name)));

      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const reasons = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
      expect(new Set(reasons.map(({ name }) => name))).toEqual(new Set(['ClusterConflictError']));
    });

    it('is no concern of another cluster’s lighthouse, nor of gpu-workers', async () => {
      const { registry } = await make();
      await aServer(registry, 'lh-1');

      await aReservedLife(registry, 'lh-2', OTHER);
      await aReservedLife(registry, 'gpu-1');
      await aReservedLife(registry, 'gpu-2');

      const servers = await Promise.all(['aws-k3s', 'other', 'nowhere'].map((name) => registry.findServer(name)));
      expect(servers.map((row) => row?.name)).toEqual(['lh-1', 'lh-2', undefined]);
    });

    it('stays with the lighthouse that asks for it again', async () => {
      const { registry } = await make();
      await aServer(registry, 'lh-1');

      expect((await registry.reserve(aReservation('lh-1', SERVER))).outcome).toBe('existing');
    });

    it('is free again with the address of its server, and at once', async () => {
      const { registry } = await make();
      const life = await aServer(registry, 'lh-1');
      await registry.fence(life, TEARDOWN, LEASE);
      const during = await registry.findServer('aws-k3s');

      await registry.releaseAddress(life);

      expect(during).toMatchObject({ name: 'lh-1', phase: 'TEARING_DOWN' });
      expect(await registry.findServer('aws-k3s')).toBeUndefined();
      await expect(aServer(registry, 'lh-2')).resolves.toMatchObject({ name: 'lh-2' });
    });

    it('is free again when its server is removed in one step, and can be opened under the same name', async () => {
      const { registry } = await make();
      const life = await aServer(registry, 'lh-1');
      await registry.fence(life, TEARDOWN, LEASE);

      await registry.markRemoved(life, TEARDOWN);

      expect(await registry.findServer('aws-k3s')).toBeUndefined();
      await expect(aServer(registry, 'lh-1')).resolves.toMatchObject({ name: 'lh-1' });
    });

    it('is not taken from a server that stands, nor from the next one by a late teardown', async () => {
      const { registry } = await make();
      const first = await aServer(registry, 'lh-1');
      await registry.releaseAddress(first);
      const untouched = await registry.findServer('aws-k3s');
      await registry.fence(first, TEARDOWN, LEASE);
      await registry.releaseAddress(first);
      await aServer(registry, 'lh-2');

      await registry.releaseAddress(first);
      await registry.markRemoved(first, TEARDOWN);

      expect(untouched?.name).toBe('lh-1');
      expect((await registry.findServer('aws-k3s'))?.name).toBe('lh-2');
    });
  });

  describe('what a provision finds out of its worker', () => {
    it('is kept with each phase, the later word last', async () => {
      const { registry } = await make();
      const life = await aServer(registry, 'lh-1');

      await registry.advance(life, 'MESHED');
      await registry.advance(life, 'CLUSTERED', { caHash: 'c'.repeat(64), node: 'old' });
      const row = await registry.advance(life, 'PEERED', { virtualNode: 'aws-k3s', node: 'new' });
      await registry.advance(life, 'READY');

      expect(row.details).toEqual({ caHash: 'c'.repeat(64), virtualNode: 'aws-k3s', node: 'new' });
      expect(await registry.find('lh-1')).toMatchObject({ phase: 'READY', details: row.details });
    });

    it('is nothing at first, and belongs to one life', async () => {
      const { registry } = await make();
      const life = await aServer(registry, 'lh-1');
      const before = (await registry.find('lh-1'))?.details;
      await registry.advance(life, 'CLUSTERED', { caHash: 'c'.repeat(64) });
      await registry.fence(life, TEARDOWN, LEASE);
      await registry.markRemoved(life, TEARDOWN);

      await aServer(registry, 'lh-1');

      expect([before, (await registry.find('lh-1'))?.details]).toEqual([{}, {}]);
    });

    it('is not recorded for whoever has lost the worker', async () => {
      const { registry } = await make();
      const life = await aServer(registry, 'lh-1');
      await registry.fence(life, TEARDOWN, LEASE);

      await expect(registry.advance(life, 'CLUSTERED', { caHash: 'c' })).rejects.toThrow(OwnershipLostError);
      expect((await registry.find('lh-1'))?.details).toEqual({});
    });
  });

  describe('commands of a worker', () => {
    const command = { commandId: 'c-1', step: 'install-liqo' };
    const homelab = { commandId: 'c-2', step: 'homelab-install-liqo', instanceId: 'mi-0123456789abcdef0' };

    it('run on its own node and in the homelab side by side', async () => {
      const { registry } = await make();
      const life = await aServer(registry, 'lh-1');
      await registry.openCommand(life, command);
      await registry.openHomelabCommand(life, homelab);

      await registry.closeHomelabCommand(life, command.commandId);
      const both = await registry.find('lh-1');
      await registry.closeHomelabCommand(life, homelab.commandId);
      const one = await registry.find('lh-1');

      expect(both).toMatchObject({ openCommand: command, openHomelabCommand: homelab });
      expect(one).toMatchObject({ openCommand: command });
      expect(one?.openHomelabCommand).toBeUndefined();
    });

    it('may be run after a fence by the teardown that holds the lease, and by nobody else', async () => {
      const { registry } = await make();
      const life = await aServer(registry, 'lh-1');
      await registry.recordLaunch(life, await registry.beginLaunch(life), launchFacts());
      await registry.fence(life, TEARDOWN, LEASE);
      const teardown = { ...life, execution: TEARDOWN };

      await registry.openCommand(teardown, command);
      await registry.openHomelabCommand(teardown, homelab);

      await expect(registry.openCommand(life, command)).rejects.toThrow(OwnershipLostError);
      await expect(registry.openHomelabCommand(life, homelab)).rejects.toThrow(OwnershipLostError);
      expect(await registry.find('lh-1')).toMatchObject({ openCommand: command, openHomelabCommand: homelab });
    });

    it('are over with the worker', async () => {
      const { registry } = await make();
      const life = await aServer(registry, 'lh-1');
      await registry.openHomelabCommand(life, homelab);
      await registry.fence(life, TEARDOWN, LEASE);
      await registry.markRemoved(life, TEARDOWN);

      const late = registry.openHomelabCommand({ ...life, execution: TEARDOWN }, homelab);

      await expect(late).rejects.toThrow(OwnershipLostError);
      expect((await registry.find('lh-1'))?.openHomelabCommand).toBeUndefined();
    });
  });
};
