import { readFileSync } from 'node:fs';
import type { HistoryEvent } from '@aws-sdk/client-sfn';

/**
 * Histories recorded from JSONata machines with the product's state names: `provisioned` (one throttled launch),
 * `rolled-back` (verify-nebula fails) and `stopped` (StopExecution while waiting for Systems Manager).
 */
export const recordedHistory = (name: 'provisioned' | 'rolled-back' | 'stopped'): HistoryEvent[] =>
  readFileSync(`test/golden/histories/${name}.jsonl`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const event = JSON.parse(line) as HistoryEvent & { timestamp: string };
      return { ...event, timestamp: new Date(event.timestamp) };
    });
