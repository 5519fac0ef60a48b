import { describe, expect, it } from 'vitest';
import { formatAge, formatElapsed, formatRemaining } from '../../../cli/render/duration.ts';

describe('formatElapsed', () => {
  it.each([
    [-5, '0.0s'],
    [440, '0.4s'],
    [12_340, '12.3s'],
    [59_970, '1m 00s'],
    [125_000, '2m 05s'],
    [3_725_000, '1h 02m'],
  ])('%d ms reads %s', (milliseconds, text) => {
    expect(formatElapsed(milliseconds)).toBe(text);
  });
});

describe('formatAge', () => {
  it.each([
    [45_000, '45s'],
    [12 * 60_000, '12m'],
    [3 * 3_600_000, '3h'],
    [12_000_000, '3h 20m'],
    [532_800_000, '6d 4h'],
  ])('%d ms reads %s', (milliseconds, text) => {
    expect(formatAge(milliseconds)).toBe(text);
  });
});

describe('formatRemaining', () => {
  it('tells what is left from what has passed', () => {
    const now = new Date('2026-11-21T12:00:00Z');

    expect(formatRemaining(new Date('2026-11-28T12:00:00Z'), now)).toBe('in 7d');
    expect(formatRemaining(new Date('2026-11-21T10:00:00Z'), now)).toBe('expired 2h ago');
  });
});
