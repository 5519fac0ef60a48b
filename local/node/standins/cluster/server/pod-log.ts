import { readFileSync } from 'node:fs';
import { type KubeObject, textAt } from '../object.ts';

/** Where the homelab or a test says what a pod has printed. */
export const LOG_ANNOTATION = 'standins.carrierarr.io/log';
export const LOG_FILE_ANNOTATION = 'standins.carrierarr.io/log-file';

const written = (pod: KubeObject): string => {
  const file = textAt(pod, 'metadata', 'annotations', LOG_FILE_ANNOTATION);
  if (file === '') return textAt(pod, 'metadata', 'annotations', LOG_ANNOTATION);
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

/** What a pod has printed, as far as the query asks: `tailLines`, `limitBytes`. */
export const podLog = (pod: KubeObject, query: URLSearchParams): string => {
  const text = written(pod);
  const tail = query.get('tailLines');
  const lines = text.split('\n').slice(0, text.endsWith('\n') ? -1 : undefined);
  const kept =
    tail === null || text === ''
      ? text
      : lines
          .slice(-Number(tail))
          .map((line) => `${line}\n`)
          .join('');
  const limit = query.get('limitBytes');
  return limit === null ? kept : kept.slice(0, Number(limit));
};
