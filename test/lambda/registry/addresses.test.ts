import { describe, expect, it } from 'vitest';
import { assertAssignable, freeAddresses, toAddress, toNumber } from '../../../lambda/registry/addresses.ts';
import { type AddressItem, heldAddress } from '../../../lambda/registry/rows.ts';
import { AddressError } from '../../../lambda/shared/errors.ts';
import { MESH } from '../../fake/memory-registry.ts';

const NOW = new Date('2026-11-21T12:00:00.000Z');
const held = (address: string, until?: string): AddressItem =>
  heldAddress({ address, name: 'somebody', generation: 'mhx0000a', ...(until !== undefined && { until }) });
const freed = (address: string, freedAt: string): AddressItem => ({ ...held(address), state: 'free', freedAt });

describe('addresses', () => {
  it('survive the way to a number and back, also above the half of the range', () => {
    const samples = ['0.0.0.0', '10.100.2.1', '127.255.255.255', '192.168.1.54', '255.255.255.255'];

    expect(samples.map((address) => toAddress(toNumber(address)))).toEqual(samples);
  });

  it('run upwards from the first one, across octets, past those in use', () => {
    const mesh = { ...MESH, firstWorkerAddress: '10.100.2.254' };

    expect(freeAddresses(mesh, [held('10.100.2.255')], NOW, 3)).toEqual(['10.100.2.254', '10.100.3.0', '10.100.3.1']);
  });

  it('never include the lighthouse or the broadcast address', () => {
    const mesh = {
      ...MESH,
      cidr: '10.100.2.0/29',
      firstWorkerAddress: '10.100.2.3',
      lighthouseAddress: '10.100.2.5',
    };

    expect(freeAddresses(mesh, [], NOW, 10)).toEqual(['10.100.2.3', '10.100.2.4', '10.100.2.6']);
  });

  it('come back after the cool-down, the longest free first, before new ones', () => {
    const known = [
      freed('10.100.2.1', '2026-11-21T11:50:00.000Z'),
      freed('10.100.2.2', '2026-11-21T11:44:00.000Z'),
      freed('10.100.2.3', '2026-11-21T11:30:00.000Z'),
      held('10.100.2.4', '2026-11-21T11:40:00.000Z'),
      held('10.100.2.5', '2026-11-21T12:40:00.000Z'),
    ];

    expect(freeAddresses(MESH, known, NOW, 4)).toEqual(['10.100.2.3', '10.100.2.4', '10.100.2.2', '10.100.2.6']);
  });

  it('freed outside the range of a changed configuration stay away', () => {
    const known = [freed('10.99.2.1', '2026-11-20T00:00:00.000Z'), freed('10.100.1.9', '2026-11-20T00:00:00.000Z')];

    expect(freeAddresses(MESH, known, NOW, 1)).toEqual(['10.100.2.1']);
  });

  it('that may be asked for end below the broadcast address', () => {
    expect(() => assertAssignable(MESH, '10.100.255.254')).not.toThrow();
    expect(() => assertAssignable(MESH, '10.100.255.255')).toThrow(AddressError);
    expect(() => assertAssignable(MESH, '10.100.255.255')).toThrow('10.100.2.1 to 10.100.255.254');
  });
});
