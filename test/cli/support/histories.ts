import { readFileSync } from 'node:fs';
import type { HistoryEvent } from '@aws-sdk/client-sfn';

/**
 * Histories recorded from the synthesised machines with a function that answers by the contract: `provisioned` (one
 * throttled launch), `rolled-back` (verify-nebula fails), `stopped` (StopExecution while waiting for Systems Manager),
 * `torn-down` (proof clean at the second look).
 */
export const recordedHistory = (name: 'provisioned' | 'rolled-back' | 'stopped' | 'torn-down'): HistoryEvent[] =>
  readFileSync(`test/golden/histories/${name}.jsonl`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const event = JSON.parse(line) as HistoryEvent & { timestamp: string };
      return { ...event, timestamp: new Date(event.timestamp) };
    });
