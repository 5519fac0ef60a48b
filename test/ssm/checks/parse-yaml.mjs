/** YAML on standard input, JSON on standard output. Plain JavaScript starts faster. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

process.stdout.write(JSON.stringify(parse(readFileSync(0, 'utf8'), { version: '1.1' }), undefined, 2));
