import { styleText } from 'node:util';

/** Where text goes. Commands write to this rather than to the process, so that tests and the demo can listen. */
export interface Output {
  write(text: string): void;
  /** A terminal: lines may be redrawn. */
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
}

type Stream = Pick<NodeJS.WriteStream, 'write'> & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Colour only on a terminal, and not where NO_COLOR (https://no-color.org) is set to anything or TERM is `dumb`. */
export const streamOutput = (stream: Stream, environment: NodeJS.ProcessEnv): Output => ({
  write: (text) => {
    stream.write(text);
  },
  isTerminal: stream.isTTY === true && environment.TERM !== 'dumb',
  get columns() {
    return stream.columns ?? 80;
  },
  get rows() {
    return stream.rows ?? 24;
  },
  colour: stream.isTTY === true && environment.TERM !== 'dumb' && (environment.NO_COLOR ?? '') === '',
});

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export const paint = (output: Pick<Output, 'colour'>, style: Style, text: string): string =>
  output.colour ? styleText(style, text, { validateStream: false }) : text;
