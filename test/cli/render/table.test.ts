import { describe, expect, it } from 'vitest';
import { renderTable } from '../../../cli/render/table.ts';

const columns = [
  { title: 'NAME', value: (row: { name: string; ip: string }) => row.name },
  { title: 'ADDRESS', value: (row: { ip: string }) => row.ip, style: () => 'green' as const },
];

describe('renderTable', () => {
  it('aligns columns by their widest cell and shows a dash for nothing', () => {
    const text = renderTable(
      columns,
      [
        { name: 'gpu-worker-1', ip: '10.100.2.1' },
        { name: 'a', ip: '' },
      ],
      { colour: false },
    );

    expect(text).toBe('NAME          ADDRESS\ngpu-worker-1  10.100.2.1\na             -\n');
  });

  it('colours cells only where asked', () => {
    expect(renderTable(columns, [{ name: 'a', ip: 'b' }], { colour: true })).toContain('\x1b[32mb\x1b[39m');
    expect(renderTable(columns, [{ name: 'a', ip: 'b' }], { colour: false })).not.toContain('\x1b');
  });
});
