import { describe, expect, it } from 'vitest';
import { createIdleCounter, type IdleSettings, type Look } from '../../../agent/worker/report/idle.ts';
import { FakeNode } from '../support/fake-node.ts';

const aGpu = (utilizationPercent: number | undefined): Look['gpus'] => ({
  kind: 'known',
  gpus: [{ index: 0, name: 'T4', memoryUsedMb: 9000, memoryTotalMb: 15_360, utilizationPercent, temperatureC: 40 }],
});
const AT_REST: Omit<Look, 'uptime'> = {
  inService: true,
  gpus: aGpu(0),
  expiries: { llama: 'T1' },
  busyCores: 0.1,
  ollamaCpuSeconds: 10,
};

/** Looks every thirty seconds from the second 1000 on; each entry changes what a node at rest would show. */
const watch = async (
  changes: readonly Partial<Look>[],
  settings: IdleSettings = { nodeType: 'gpu-worker' },
  node = new FakeNode(),
) => {
  const count = createIdleCounter(settings, node);
  const seen: string[] = [];
  for (const [at, change] of changes.entries()) {
    const { idleSeconds, busyWith } = await count({ ...AT_REST, uptime: 1000 + at * 30, ...change });
    seen.push(busyWith === '' ? String(idleSeconds) : `${idleSeconds} ${busyWith}`);
  }
  return seen;
};

describe('a node is idle', () => {
  it('for as long as nothing happens, from the first look on', async () => {
    expect(await watch([{}, {}, {}, {}])).toEqual(['0', '30', '60', '90']);
  });

  it('and no longer once a GPU computes', async () => {
    expect(await watch([{}, {}, { gpus: aGpu(87) }, {}])).toEqual(['0', '30', '0 gpu 0: 87 %', '30']);
  });

  it('and no longer once a request has moved the end of a model', async () => {
    const later = { expiries: { llama: 'T2' } };

    expect(await watch([{}, {}, later, later])).toEqual(['0', '30', '0 ollama: llama', '30']);
  });

  it('and no longer once a model is loaded, and a model that goes is no work', async () => {
    const two = { expiries: { llama: 'T1', qwen: 'T1' } };

    expect(await watch([{}, two, { expiries: {} }])).toEqual(['0', '0 ollama: qwen', '30']);
  });

  it('and no longer while Ollama computes without a model, as for a download', async () => {
    expect(await watch([{}, { ollamaCpuSeconds: 13 }, { ollamaCpuSeconds: 13.1 }])).toEqual([
      '0',
      '0 ollama: 0.10 cores',
      '30',
    ]);
  });

  it('and no longer while half a core or more computes', async () => {
    expect(await watch([{}, { busyCores: 0.49 }, { busyCores: 2.25 }])).toEqual(['0', '30', '0 cpu: 2.3 cores']);
  });

  it('also while more than half a core computes, where its settings say so', async () => {
    const busy = { busyCores: 3.9 };

    expect(await watch([busy, busy], { nodeType: 'cpu-worker', busyCores: 4 })).toEqual(['0', '30']);
  });

  it('also with a model in memory that nobody asks, and a GPU that does not tell its use', async () => {
    expect(await watch([{}, { gpus: aGpu(undefined) }])).toEqual(['0', '30']);
  });

  it('never where its GPU does not answer: what is unknown is no rest', async () => {
    expect(await watch([{}, { gpus: { kind: 'unknown', reason: 'nvidia-smi hangs' } }])).toEqual([
      '0',
      '0 unknown: nvidia-smi hangs',
    ]);
  });

  it('never before it has been taken into service', async () => {
    const before = { inService: false };

    expect(await watch([before, before, {}, {}])).toEqual(['0 not in service yet', '0 not in service yet', '0', '30']);
  });

  it('never where it is a lighthouse', async () => {
    expect(await watch([{}, {}], { nodeType: 'lighthouse' })).toEqual(['0 its cluster', '0 its cluster']);
  });

  it('where Ollama gave no answer for a moment, as before', async () => {
    expect(await watch([{}, { expiries: undefined }, {}])).toEqual(['0', '30', '60']);
  });
});

describe('after a restart of the agent', () => {
  const restarted = async (node: FakeNode, uptime: number) =>
    (await createIdleCounter({ nodeType: 'gpu-worker' }, node)({ ...AT_REST, uptime })).idleSeconds;

  it('the node has been idle for as long as before', async () => {
    const node = new FakeNode();
    await watch([{}, {}, {}], { nodeType: 'gpu-worker' }, node);

    expect(await restarted(node, 1090)).toBe(90);
  });

  it('the time counts anew where nobody looked for minutes', async () => {
    const node = new FakeNode();
    await watch([{}, {}, {}], { nodeType: 'gpu-worker' }, node);

    expect(await restarted(node, 2000)).toBe(0);
  });

  it.each([
    '',
    '{',
    '{"activeAt":1,"lookedAt":995}',
    '{"activeAt":2000,"lookedAt":995,"inService":true,"expiries":{}}',
  ])('a spoiled memory %j is none', async (text) => {
    const node = new FakeNode();
    node.files.set('/run/worker-agent/idle.json', text);

    expect(await restarted(node, 1000)).toBe(0);
  });
});
