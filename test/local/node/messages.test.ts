import { describe, expect, it } from 'vitest';
import { parseMessage } from '../../../local/node/sandbox/messages.ts';

const report = { type: 'report', commandId: 'c', status: 'Success', exitCode: 0, stdout: '', stderr: '' };
const request = { type: 'request', id: 1, door: 'imds', method: 'GET', path: '/', headers: [['a', 'b']], body: '' };

describe('what a cell says', () => {
  it.each([{ type: 'ready' }, { type: 'registered' }, { type: 'console', text: 'x' }, report, request])(
    'is understood: $type',
    (message) => {
      expect(parseMessage(JSON.stringify(message))).toEqual(message);
    },
  );

  it.each([
    ['no JSON', 'hello'],
    ['an unknown type', JSON.stringify({ type: 'shutdown' })],
    ['a status no agent reports', JSON.stringify({ ...report, status: 'Undeliverable' })],
    ['more output than the agent keeps', JSON.stringify({ ...report, stdout: 'x'.repeat(48_001) })],
    ['a method that breaks the request line', JSON.stringify({ ...request, method: 'GET / HTTP/1.1\r\n' })],
    ['a door that does not exist', JSON.stringify({ ...request, door: 'host' })],
  ])('is refused when it is %s', (_, line) => {
    expect(() => parseMessage(line)).toThrow();
  });
});
