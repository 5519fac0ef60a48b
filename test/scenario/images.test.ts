import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parameterName, TAG } from '#contract';
import { main } from '../../cli/main.ts';
import { recordedOutput } from '../cli/support/output.ts';
import { describeScenario, endpoint, fleet, uniqueName } from './support/fleet.ts';

const ROLE = 'lighthouse';
const TWO_DAYS = 2 * 24 * 60 * 60;

interface Listed {
  readonly id: string;
  readonly publishedAs: readonly string[];
  readonly keep: string | null;
  readonly fleet: string | null;
}

/** The command as a person at this cloud would give it, in this process: starting Node costs more than all it does. */
const carrierarr = async (...words: string[]) => {
  const [out, err] = [recordedOutput(), recordedOutput()];
  const code = await main(['--fleet', fleet, '--json', ...words], {
    out,
    err,
    environment: process.env,
    pollMilliseconds: 100,
    now: () => new Date(),
    ask: undefined,
    interruption: { signal: new AbortController().signal, notice: '', arm: () => {}, disarm: () => {} },
  });
  expect(`${code} ${err.text()}`).toBe('0 ');
  return JSON.parse(out.text().trim().split('\n').at(-1) ?? '') as unknown;
};

const list = async () => ((await carrierarr('ami', 'list')) as { images: Listed[] }).images;

/** An image as Packer leaves it, in an account where nobody has looked for two days. */
const anImageOfPackers = async (): Promise<string> => {
  const image = { name: uniqueName('image'), tags: { [TAG.image]: ROLE }, ageSeconds: TWO_DAYS };
  const answer = await fetch(`${endpoint}/_edge/images`, { method: 'POST', body: JSON.stringify(image) });
  return ((await answer.json()) as { imageId: string }).imageId;
};

interface Examined {
  readonly findings: readonly { readonly check: string; readonly status: string; readonly detail: string }[];
}

describeScenario('images', () => {
  beforeAll(() => {
    vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
    vi.stubEnv('AWS_REGION', 'us-west-2');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  it('are copied, published, replaced and pruned, and none that is needed goes', async () => {
    const before = (await list()).find(({ publishedAs }) => publishedAs.includes(ROLE));
    const packers = await anImageOfPackers();

    const published = await carrierarr('ami', 'publish', packers, '--from', 'us-east-1');
    const copy = (published as { amiId: string }).amiId;
    expect(published).toMatchObject({
      role: ROLE,
      parameter: parameterName.ami(fleet, ROLE),
      replaces: before?.id,
      copiedFrom: `us-east-1:${packers}`,
    });
    const after = await list();
    expect(after.find(({ id }) => id === copy)).toMatchObject({ publishedAs: [ROLE], keep: 'published', fleet });
    expect(after.find(({ id }) => id === packers)).toMatchObject({ publishedAs: [], fleet: null });

    expect(await carrierarr('ami', 'publish', before?.id ?? '')).toMatchObject({ replaces: copy, copiedFrom: null });
    expect((await list()).find(({ id }) => id === copy)).toMatchObject({ publishedAs: [], keep: null });

    const { findings } = (await carrierarr('doctor')) as Examined;
    expect(findings.filter(({ check }) => check.startsWith('image'))).toMatchObject([
      { check: `image ${ROLE}`, status: 'ok', detail: `${before?.id} is available` },
      { check: 'image gpu-worker', status: 'ok' },
      { check: 'images', status: 'ok', detail: expect.stringMatching(/^[0-9]+ kept/) },
    ]);

    const prune = ['ami', 'prune', '--role', ROLE, '--keep', '1', '--unclaimed', '--yes'];
    expect(await carrierarr(...prune)).toMatchObject({
      results: [
        { kind: 'image', id: packers, outcome: 'removed' },
        { kind: 'snapshot', outcome: 'removed' },
      ],
    });
    expect(await carrierarr(...prune)).toMatchObject({ results: [] });
    const left = (await list()).map(({ id }) => id);
    expect(left).toEqual(expect.arrayContaining([before?.id, copy]));
    expect(left).not.toContain(packers);
  });
});
