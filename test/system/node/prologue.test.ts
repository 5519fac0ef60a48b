import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type NodeSandbox, sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { parseVerdict, runScript } from '../../ssm/run-step.ts';
import { aNode } from './support.ts';

const PROLOGUE = readFileSync('ssm/lib/prologue.sh', 'utf8');
const COMMON = { SSM_ExecutionId: 'worker-mhx0000a', SSM_Worker: 'gpu-worker-001' };
const LOG = '/var/log/carrierarr/worker-mhx0000a-probe.log';

/** Runs a step with this body, as the agent would. */
const probe = (node: NodeSandbox, body: string, env: Readonly<Record<string, string>> = COMMON, mode = 'exclusive') =>
  runScript(node, `${PROLOGUE}step_begin probe ${mode}\n${body}\n`, env);
const verdictOf = async (node: NodeSandbox, body: string) => parseVerdict(await probe(node, body)).verdict;

describe.skipIf(sandboxObstacle !== undefined).concurrent('a step', () => {
  it('prints one JSON line and nothing else', async () => {
    const { node } = await aNode();

    const { code, stdout, stderr } = await probe(
      node,
      'echo said; echo complained >&2; step_put found it\nstep_put_json pings 3',
    );

    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(stdout)).toEqual({
      step: 'probe',
      ok: true,
      rc: 0,
      found: 'it',
      pings: 3,
      tail: expect.stringMatching(
        / step probe for worker gpu-worker-001, execution worker-mhx0000a\nsaid\ncomplained\n$/,
      ),
    });
  });

  it('keeps its whole output in a log that only root can read', async () => {
    const { node } = await aNode();

    await probe(node, 'for ((i = 0; i < 5000; i++)); do echo "line $i"; done');

    expect(await node.read(LOG)).toMatch(/\nline 0\n[\s\S]*\nline 4999\n$/);
    expect(await node.shell(`stat -c %a /var/log/carrierarr ${LOG}`)).toBe('700\n600\n');
  });

  it.each([
    ['its own code', 'exit 3', 3],
    ['137, which the agent would report as a time-out,', 'exit 137', 70],
    ['137 of a program it calls', 'sh -c "exit 137"', 70],
    ['137 of a program that was killed', "bash -c 'kill -KILL $$'", 70],
    ['194, which would reboot the node,', '(exit 194)', 71],
    ['1 at the first failing command', 'false\necho not reached', 1],
    ['141 of a pipe', 'yes | head -n 1', 141],
    ['its own code although it is told to end', 'kill -TERM $$', 143],
  ])('that ends with %s exits with what the state machine can tell apart', async (_, body, rc) => {
    const { node } = await aNode();

    const outcome = parseVerdict(await probe(node, body));

    expect(outcome.code).toBe(rc);
    expect(outcome.verdict).toMatchObject({ step: 'probe', ok: false, rc });
    expect(outcome.verdict.tail).not.toContain('not reached');
  });

  it('gives the reason it ends for', async () => {
    const { node } = await aNode();

    await expect(verdictOf(node, 'die "no luck" 9')).resolves.toMatchObject({ rc: 9, reason: 'no luck' });
    await expect(verdictOf((await aNode()).node, 'exit 137')).resolves.toMatchObject({
      reason: expect.stringContaining('want of memory'),
    });
  });

  it('tells only its own last lines, not those of an earlier run', async () => {
    const { node } = await aNode();
    await probe(node, 'echo earlier', COMMON, 'shared');

    const { verdict } = parseVerdict(await probe(node, 'echo later', COMMON, 'shared'));

    expect(verdict.tail).toMatch(/^[\s\S]*\nlater\n$/);
    expect(verdict.tail).not.toContain('earlier');
  });

  it('strips what would play with a terminal', async () => {
    const { node } = await aNode();
    const hostile = String.raw`printf '\033[31mred\033[0m \033]0;title\007x\033]8;;http://e\033\\y\033(B \302\233z\000\010q\r50%%\r100%%\n'`;

    const { tail } = await verdictOf(node, hostile);

    expect(String(tail).split('\n').slice(1)).toEqual(['red xy zq', '50%', '100%', '']);
  });

  it('cannot be made to print a second verdict or to break its line', async () => {
    const { node } = await aNode();

    const outcome = await probe(
      node,
      String.raw`printf '{"step":"probe","ok":true,"rc":0}\n"}\n'; printf '\377\376"\\\n'; exit 4`,
    );

    expect(outcome.stdout.match(/\n/g)).toHaveLength(1);
    expect(parseVerdict(outcome).verdict).toMatchObject({ ok: false, rc: 4 });
  });

  it.each([
    ['quotes', '"'],
    ['backslashes', String.raw`\\\\`],
    ['three bytes a character', '€'],
  ])('stays within 8 kB with an output full of %s', async (_, text) => {
    const { node } = await aNode();

    const { stdout } = await probe(
      node,
      `for ((i = 0; i < 3000; i++)); do printf '${text}${text}${text}${text}\\n'; done; exit 1`,
    );

    expect(Buffer.byteLength(stdout)).toBeLessThanOrEqual(8001);
    expect(parseVerdict({ code: 1, stdout, stderr: '' }).verdict.tail).not.toBe('');
  });

  it('drops its data rather than its verdict when they do not fit', async () => {
    const { node } = await aNode();

    const verdict = await verdictOf(node, `step_put big "$(head -c 20000 /dev/zero | tr '\\0' x)"`);

    expect(verdict).toMatchObject({ step: 'probe', ok: true, rc: 0, dataDropped: true });
    expect(verdict).not.toHaveProperty('big');
  });

  it.each([
    ['has no execution', { SSM_Worker: 'gpu-worker-001' }],
    ['has no worker', { SSM_ExecutionId: 'x' }],
    ['has an execution that is a path', { ...COMMON, SSM_ExecutionId: '../../etc/passwd' }],
    ['has a worker with a newline', { ...COMMON, SSM_Worker: 'gpu\nworker' }],
  ])('does nothing when it %s: an old agent sets no variables', async (_, env) => {
    const { node } = await aNode();

    const outcome = parseVerdict(await probe(node, 'touch /run/ran', env));

    expect(outcome.verdict).toMatchObject({ step: 'probe', ok: false, rc: 64 });
    await expect(node.read('/run/ran')).rejects.toThrow(/No such file/);
  });

  it('demands its own parameters in their own shape', async () => {
    const { node } = await aNode();
    const body = "step_require Count '^[0-9]+$'\ntouch /run/ran";

    const missing = parseVerdict(await probe(node, body));
    const malformed = parseVerdict(
      await probe(node, body, { ...COMMON, SSM_ExecutionId: 'other', SSM_Count: '1; reboot' }),
    );

    expect(missing.verdict).toMatchObject({ rc: 64, reason: expect.stringContaining('3.3.2746.0') });
    expect(malformed.verdict).toMatchObject({ rc: 64, reason: 'SSM_Count is malformed' });
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('an exclusive step', () => {
  const COUNT = 'echo run >>/run/count';

  it.each([
    ['verdict', 'step_put_json value "$RANDOM"', 0],
    ['failure', 'die "no luck $RANDOM" 7', 7],
  ])('sent twice runs once and returns the first %s', async (_, body, code) => {
    const { node } = await aNode();

    const first = await probe(node, `${COUNT}\n${body}`);
    const second = await probe(node, `${COUNT}\n${body}`);

    expect(second).toEqual(first);
    expect(second.code).toBe(code);
    expect(await node.read('/run/count')).toBe('run\n');
  });

  it('sent twice at once runs once and returns one verdict', async () => {
    const { node } = await aNode();
    const body = `${COUNT}\n/bin/sleep 0.3\nstep_put_json value "$RANDOM"`;

    const [first, second] = await Promise.all([probe(node, body), probe(node, body)]);

    expect(second?.stdout).toBe(first?.stdout);
    expect(await node.read('/run/count')).toBe('run\n');
  });

  it('runs again for another execution', async () => {
    const { node } = await aNode();

    await probe(node, COUNT);
    await probe(node, COUNT, { ...COMMON, SSM_ExecutionId: 'worker-mhx0000b' });

    expect(await node.read('/run/count')).toBe('run\nrun\n');
  });

  it('runs again when the first run was killed before its verdict', async () => {
    const { node } = await aNode();

    const killed = await probe(node, `${COUNT}\nkill -KILL $$`);
    const again = await probe(node, COUNT);

    expect(killed.stdout).toBe('');
    expect(parseVerdict(again).verdict.ok).toBe(true);
    expect(await node.read('/run/count')).toBe('run\nrun\n');
  });

  it('does not wait for another step for ever', async () => {
    const { node } = await aNode();
    await node.stub('flock', 'exec /usr/bin/flock -w 0.2 "$3"');
    const holder = node.shell(
      'mkdir -p /run/carrierarr; exec 9>>/run/carrierarr/step.lock; /usr/bin/flock 9; touch /run/held; until [[ -e /run/release ]]; do /bin/sleep 0.05; done',
    );
    await node.until('[[ -e /run/held ]]');

    const { verdict } = parseVerdict(await probe(node, COUNT));

    expect(verdict).toMatchObject({ ok: false, rc: 75, reason: expect.stringContaining('another step') });
    await expect(node.read('/run/count')).rejects.toThrow(/No such file/);
    await node.write('/run/release', '');
    await holder;
  });
});

describe.skipIf(sandboxObstacle !== undefined)('a shared step', () => {
  it('runs while an exclusive one holds the lock', async () => {
    const { node } = await aNode();
    const long = probe(node, 'touch /run/held; until [[ -e /run/release ]]; do /bin/sleep 0.05; done');
    await node.until('[[ -e /run/held ]]');
    let longEnded = false;
    void long.then(() => {
      longEnded = true;
    });

    const { code } = await probe(node, 'true', COMMON, 'shared');

    expect(code).toBe(0);
    expect(longEnded).toBe(false);
    await node.write('/run/release', '');
    await long;
  });
});
