import { describe, expect, it } from 'vitest';
import { lastLine, oneLine, output } from '../../agent/worker/text.ts';

describe('text of programs', () => {
  it('loses what would move a cursor, set a title or turn the reading direction', () => {
    expect(oneLine('\u001b[1;31mred\u001b[0m \u001b]0;title\u0007and\u202e \u0000back\u0008')).toBe('red and back');
  });

  it('is one line, cut at its limit', () => {
    expect(oneLine(' a\n\tb  c ', 100)).toBe('a b c');
    expect(oneLine('abcdef', 4)).toBe('abc…');
    expect(lastLine('first\nlast\n\n')).toBe('last');
  });

  it('keeps its lines and its end as output', () => {
    expect(output('a\r\nb\u0007\tc', 100)).toBe('a\nb\tc');
    expect(output('123456', 4)).toBe('[2 characters left out]\n3456');
  });
});
