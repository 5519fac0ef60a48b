import { describe, expect, it } from 'vitest';
import { CommandType } from '../../../agent/proto/generated/ec2agent/v1/agent_pb.js';
import { aRunner, done, OLLAMA } from '../support/a-runner.ts';
import { aGpuWorker, type FakeNode } from '../support/fake-node.ts';

describe('PULL_MODEL', () => {
  const pulling = (lines: readonly object[], status = 200): FakeNode => {
    const node = aGpuWorker();
    node.pages.set(`POST ${OLLAMA}/api/pull`, ({ onLine }) => {
      for (const line of lines) onLine?.(JSON.stringify(line));
      return { status, text: '' };
    });
    return node;
  };

  it.each([
    'llama3.2:3b',
    'qwen3',
    'hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M',
    'registry.home:5000/team/model:v1',
  ])('fetches %s', async (model) => {
    const node = pulling([
      { status: 'pulling manifest' },
      { status: 'pulling abc', total: 2000, completed: 5 },
      { status: 'success' },
    ]);

    const result = await aRunner(node).run(CommandType.PULL_MODEL, { model });

    expect(result).toMatchObject({ success: true, stdout: `${model} is here, its largest part has 2000 bytes` });
    expect(node.questions).toEqual([`POST ${OLLAMA}/api/pull ${JSON.stringify({ model, stream: true })}`]);
  });

  it('fails with what Ollama says, which it says in a stream that begins well', async () => {
    const node = pulling([{ status: 'pulling manifest' }, { error: 'pull model manifest: file does not exist' }]);

    expect(await aRunner(node).run(CommandType.PULL_MODEL, { model: 'nope' })).toMatchObject({
      success: false,
      error: 'Ollama: pull model manifest: file does not exist',
    });
  });

  it('is no success where the stream ends before its last word', async () => {
    const node = pulling([{ status: 'pulling abc' }]);

    expect(await aRunner(node).run(CommandType.PULL_MODEL, { model: 'a' })).toMatchObject({
      success: false,
      error: 'Ollama answered 200: pulling abc',
    });
  });

  it('gives up where Ollama says nothing new for two minutes', async () => {
    const node = aGpuWorker();
    node.pages.set(
      `POST ${OLLAMA}/api/pull`,
      ({ signal }) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve(undefined))),
    );
    const { run, clock } = aRunner(node);

    const result = run(CommandType.PULL_MODEL, { model: 'a' });
    for (let look = 0; look < 9; look += 1) await clock.advance(15_000);

    expect(await result).toMatchObject({ success: false, error: 'Ollama says nothing new for 120 s; last: ' });
    expect(clock.sleepers).toBe(0);
  });

  it('is refused where the mesh has no address', async () => {
    const { run } = aRunner(aGpuWorker(), { nebulaIp: undefined });

    expect(await run(CommandType.PULL_MODEL, { model: 'a' })).toMatchObject({ exitCode: 64, success: false });
  });
});

describe('UNLOAD_MODEL', () => {
  const loadedNode = (): FakeNode => {
    const node = aGpuWorker();
    node.page(`GET ${OLLAMA}/api/ps`, { models: [{ name: 'llama3.2:3b' }, { name: 'qwen3:latest' }] });
    node.page(`POST ${OLLAMA}/api/generate`, { done_reason: 'unload' });
    return node;
  };
  const unloaded = (node: FakeNode) =>
    node.questions.filter((each) => each.startsWith('POST')).map((each) => JSON.parse(each.split(' ')[2] ?? '{}'));

  it('gives back the memory of all models, without a restart', async () => {
    const node = loadedNode();

    expect(await aRunner(node).run(CommandType.UNLOAD_MODEL)).toMatchObject({
      success: true,
      stdout: 'unloaded: llama3.2:3b, qwen3:latest',
    });
    expect(unloaded(node)).toEqual([
      { model: 'llama3.2:3b', keep_alive: 0, stream: false },
      { model: 'qwen3:latest', keep_alive: 0, stream: false },
    ]);
    expect(done(node)).toEqual([]);
  });

  it('or of one, whose tag may be left out', async () => {
    const node = loadedNode();

    expect(await aRunner(node).run(CommandType.UNLOAD_MODEL, { model: 'qwen3' })).toMatchObject({
      stdout: 'unloaded: qwen3:latest',
    });
    expect(unloaded(node)).toHaveLength(1);
  });

  it('has nothing to do for one that is not loaded', async () => {
    expect(await aRunner(loadedNode()).run(CommandType.UNLOAD_MODEL, { model: 'phi' })).toMatchObject({
      success: true,
      stdout: 'nothing was loaded',
    });
  });

  it('tells which it could not unload, and why', async () => {
    const node = loadedNode();
    node.page(`POST ${OLLAMA}/api/generate`, 'busy', 503);

    expect(await aRunner(node).run(CommandType.UNLOAD_MODEL, { model: 'qwen3' })).toMatchObject({
      success: false,
      error: 'not unloaded: qwen3:latest: 503 busy',
    });
  });
});
