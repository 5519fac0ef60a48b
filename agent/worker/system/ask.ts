import { request } from 'node:http';
import type { AskOptions } from '../ports.ts';

const MOST_BYTES = 65_536;
/** A list of ten thousand models; the agent's whole heap has 48 MB. */
const MOST_TEXT = 2 * 1024 * 1024;

/** Hands over whole lines, and keeps what has no end yet. */
const byLine = (onLine: (line: string) => void) => {
  let rest = '';
  return {
    take: (text: string): void => {
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(-MOST_BYTES);
      for (const line of lines) onLine(line);
    },
    end: (): void => {
      if (rest !== '') onLine(rest);
    },
  };
};

/**
 * Plain HTTP to what runs on this machine. node:http instead of fetch, which costs 4 MB more at rest. Undefined when
 * there is no whole answer within the time and within bounds.
 */
export const ask = (url: string, options: AskOptions): Promise<{ status: number; text: string } | undefined> =>
  new Promise((resolve) => {
    const { method = 'GET', headers = {}, body, timeoutMs, signal, onLine } = options;
    const outgoing = request(url, { method, headers, agent: false });
    const finish = (answer?: { status: number; text: string }): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
      outgoing.destroy();
      resolve(answer);
    };
    const giveUp = (): void => finish();
    const timer = setTimeout(giveUp, timeoutMs);
    signal?.addEventListener('abort', giveUp);
    outgoing.on('error', giveUp);
    outgoing.on('response', (incoming) => {
      let text = '';
      const lines = onLine === undefined ? undefined : byLine(onLine);
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        text = lines === undefined ? text + chunk : (text + chunk).slice(-MOST_BYTES);
        lines?.take(chunk);
        if (text.length > MOST_TEXT) giveUp();
      });
      incoming.on('error', giveUp);
      incoming.on('end', () => {
        lines?.end();
        finish({ status: incoming.statusCode ?? 0, text });
      });
    });
    if (signal?.aborted === true) giveUp();
    else outgoing.end(body);
  });
