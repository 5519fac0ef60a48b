import { describe, expect, it } from 'vitest';
import { ADDRESS } from '../../ssm/identity-builders.ts';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { aNode } from './support.ts';

const LIBRARY = '/usr/local/lib/carrierarr';
const TIMELINE = '/run/carrierarr/timeline';

describe.skipIf(sandboxObstacle !== undefined).concurrent('mark.sh', () => {
  it('adds to the timeline once per start of the machine', async () => {
    const { node } = await aNode();

    await node.shell(`${LIBRARY}/mark.sh k3s-ready; ${LIBRARY}/mark.sh in-service; ${LIBRARY}/mark.sh k3s-ready`);

    expect(await node.read(TIMELINE)).toMatch(/^\d{10}\.\d{3} k3s-ready\n\d{10}\.\d{3} in-service\n$/);
    expect(await node.shell(`stat -c %a ${TIMELINE}`)).toBe('644\n');
  });

  it('refuses what is no mark', async () => {
    const { node } = await aNode();

    for (const name of ['', 'Word', 'a b', '../x']) {
      expect(await node.run([`${LIBRARY}/mark.sh`, name])).toMatchObject({ code: 64 });
    }
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('ollama-ready.sh', () => {
  it('marks the moment Ollama answers', async () => {
    const { node } = await aNode();
    await node.stub(
      'curl',
      '[[ $* == *"http://10.100.2.1:11434/api/version" && -e /run/up ]] || { touch /run/up; exit 7; }',
    );

    const { code } = await node.run([`${LIBRARY}/ollama-ready.sh`], { env: { OLLAMA_HOST: `${ADDRESS}:11434` } });

    expect(code).toBe(0);
    expect(await node.read(TIMELINE)).toMatch(/ ollama-ready\n$/);
  });

  it('gives up in the end', async () => {
    const { node } = await aNode();
    await node.stub('curl', 'exit 7');

    const { code, stderr } = await node.run([`${LIBRARY}/ollama-ready.sh`], { env: { OLLAMA_HOST: 'x:1' } });

    expect(code).toBe(1);
    expect(stderr).toContain('Ollama does not answer on x:1');
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('warm.sh', () => {
  it('reads what the lists name and the image has; what is large once the boot has given its verdict', async () => {
    const { node } = await aNode({ hurry: false });
    const lists = '/usr/local/share/carrierarr/warm';
    await node.shell(`rm ${lists}/*; mkdir -p /run/warm; touch /run/warm/{a.so,b.so,late}; mkdir /run/warm/folder`);
    await node.write(`${lists}/10-first.list`, '# comment\n\n/run/warm/*.so\n/run/warm/folder\n/run/warm/absent\n');
    await node.write(`${lists}/20-second.list`, '/run/warm/late\n');
    await node.stub('dd', 'printf "%s\\n" "$1" >>/run/read');
    const warm = node.run([`${LIBRARY}/warm.sh`]);
    await node.until('[[ $(wc -l </run/read) -ge 2 ]]');
    await node.shell('sleep 0.5');
    const early = (await node.read('/run/read')).trimEnd().split('\n');

    await node.write('/run/carrierarr/boot.failed', 'x\n');

    await expect(warm).resolves.toMatchObject({ code: 0, stderr: '' });
    expect(early.sort()).toEqual(['if=/run/warm/a.so', 'if=/run/warm/b.so']);
    expect(await node.read('/run/read')).toMatch(/if=\/run\/warm\/late\n$/);
  });

  it('does so with the lists of the image', async () => {
    const { node } = await aNode();
    await node.stub('dd', 'printf "%s\\n" "$1" >>/run/read');
    await node.write('/run/carrierarr/boot.done', '1.000\n');

    await expect(node.run([`${LIBRARY}/warm.sh`])).resolves.toMatchObject({ code: 0, stderr: '' });
    expect(await node.read('/run/read')).toContain('if=/usr/bin/curl\n');
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('boot-failed.sh', () => {
  const SYSTEMD = [
    'case "$*" in',
    '  *Requires*) echo "system.slice etc-nebula.mount" ;;',
    '  *Result*etc-nebula.mount) echo exit-code ;;',
    '  *Result*) echo timeout ;;',
    '  *is-failed*) [[ -e /run/mount-failed && $* == *etc-nebula.mount ]] ;;',
    'esac',
  ].join('\n');
  const verdict = async (prepare: string): Promise<string> => {
    const { node } = await aNode();
    await node.stub('systemctl', SYSTEMD);
    await node.shell(`mkdir -p /run/carrierarr; ${prepare}`);
    await node.run([`${LIBRARY}/boot-failed.sh`]);
    return await node.read('/run/carrierarr/boot.failed');
  };

  it.each([
    [
      'names the unit whose failure kept the boot from running',
      'touch /run/mount-failed',
      /did not run, it requires what failed: etc-nebula\.mount \(exit-code\);/,
    ],
    [
      'names the last mark of a boot that was ended',
      `echo "1.000 settings-known" >${TIMELINE}`,
      /without a verdict \(timeout\); last mark: 1\.000 settings-known;/,
    ],
    ['knows none where there is none', 'true', /last mark: none;/],
    ['leaves the verdict of the boot alone', 'echo "no secret" >/run/carrierarr/boot.failed', /^no secret\n$/],
  ])('%s', async (_, prepare, expected) => {
    expect(await verdict(prepare)).toMatch(expected);
  });
});
