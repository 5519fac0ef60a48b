import { type Output, paint, type Style } from './output.ts';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly style?: (row: Row) => Style | undefined;
}

/**
 * Left-aligned columns two blanks apart, each as wide as its widest cell, no rules: reads well on a terminal and
 * splits well with `awk`. Empty cells show `-`, so that the number of columns never changes.
 */
export const renderTable = <Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  output: Pick<Output, 'colour'>,
): string => {
  const cells = rows.map((row) => columns.map((column) => column.value(row) || '-'));
  const widths = columns.map((column, at) =>
    Math.max(column.title.length, ...cells.map((line) => line[at]?.length ?? 0)),
  );
  const line = (texts: readonly string[], style: (at: number) => Style | undefined): string =>
    texts
      .map((text, at) => {
        const padded = at === texts.length - 1 ? text : text.padEnd(widths[at] ?? 0);
        const chosen = style(at);
        return chosen === undefined ? padded : paint(output, chosen, padded);
      })
      .join('  ')
      .trimEnd();
  const head = line(
    columns.map((column) => column.title),
    () => 'bold',
  );
  const body = rows.map((row, index) => line(cells[index] ?? [], (at) => columns[at]?.style?.(row)));
  return `${[head, ...body].join('\n')}\n`;
};
