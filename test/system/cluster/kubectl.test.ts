import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleClusterStandIns } from '../../../local/node/standins/cluster/bundle.ts';
import { aCluster, aNamespace, aNode, aWorkload, type Served, serve } from '../../local/node/standins/helpers.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const folder = mkdtempSync(join(tmpdir(), 'kubectl-'));
let served: Served;

beforeAll(async () => {
  await bundleClusterStandIns(join(folder, 'programs'));
  served = await serve(aCluster());
  for (const object of [aNode('n1'), aWorkload('DaemonSet', 'd'), aWorkload('Deployment', 'a')]) {
    await served.client.create(object);
  }
});
afterAll(async () => {
  await served.api.close();
  rmSync(folder, { recursive: true });
});

const run = (line: string, server = served.client.config.server): Promise<Said> =>
  new Promise((resolve) => {
    const argv = [join(folder, 'programs/kubectl.mjs'), ...line.split(' '), `--server=${server}`];
    const env = { STANDIN_RUN: join(folder, 'run'), HOME: folder };
    execFile(process.execPath, argv, { env }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });

describe('the stand-in for kubectl', () => {
  it.each([
    ['get pods nope', 'Error from server (NotFound): pods "nope" not found'],
    ['get gadgets', 'error: the server doesn\'t have a resource type "gadgets"'],
    ['get pods --nope', "error: unknown flag: --nope\nSee 'kubectl get --help' for usage."],
    ['get pods -o jsonpath={.a}', 'knows no output format'],
    ['frobnicate pods', 'error: unknown command "frobnicate" for "kubectl"'],
    ['create namespace default', 'Error from server (AlreadyExists): namespaces "default" already exists'],
    ['label node n1 kubernetes.io/hostname=x', '--overwrite is false'],
    ['taint node n1 nope-', 'error: taint "nope" not found'],
    ['taint node n1 a=b:Sometimes', 'unsupported taint effect'],
    ['delete pods', 'no name was specified'],
    ['wait node/n1 --for=condition=Gone --timeout=1s', 'error: timed out waiting for the condition on nodes/n1'],
    ['wait pods -l app=nope --for=condition=Ready', 'error: no matching resources found'],
    ['wait node/n1 --for=sometime', 'error: unrecognized condition'],
    ['drain n1', 'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)'],
    ['get --raw /nope', 'Error from server (NotFound)'],
    ['patch node n1 --type=json -p []', 'knows no JSON patches'],
    ['config use-context nope', 'error: no context exists with the name: "nope"'],
  ])('refuses `%s` as the real one does', async (line, message) => {
    const { code, err } = await run(line);

    expect(code).toBe(1);
    expect(err).toContain(message);
  });

  it.each([
    ['get nodes -o name', 'node/n1\n'],
    ['get pods nope --ignore-not-found -o json', ''],
    ['get --raw /readyz', 'ok'],
    ['label node n1 tier=one', 'node/n1 labeled\n'],
    ['annotate node n1 a=b', 'node/n1 annotated\n'],
    ['taint node n1 a=b:PreferNoSchedule', 'node/n1 tainted\n'],
    ['wait node --all --for=condition=ready --timeout=5s', 'node/n1 condition met\n'],
    ['wait pod/gone --for=delete --timeout=5s', ''],
    ['auth can-i create pods', 'yes\n'],
    ['delete ns nope --ignore-not-found --wait=false', ''],
  ])('does `%s`', async (line, output) => {
    const { code, out } = await run(line);

    expect(code).toBe(0);
    expect(out).toBe(output);
  });

  it('says that nobody answers where nobody does', async () => {
    const { code, err } = await run('get ns', 'http://127.0.0.1:9');

    expect(code).toBe(1);
    expect(err).toBe(
      'The connection to the server 127.0.0.1:9 was refused - did you specify the right host or port?\n',
    );
  });

  it('says what an apply did', async () => {
    const file = join(folder, 'ns.json');
    writeFileSync(file, JSON.stringify(aNamespace('made')));
    const words = [];
    for (const _ of [1, 2]) words.push((await run(`apply -f ${file}`)).out);

    expect(words).toEqual(['namespace/made created\n', 'namespace/made unchanged\n']);
  });

  it('evicts what it may and leaves the daemons', async () => {
    await run('uncordon n1');
    const { code, out } = await run('drain n1 --ignore-daemonsets --timeout=5s');
    const { out: again } = await run('uncordon n1');

    expect(code).toBe(0);
    expect(out).toMatch(/^node\/n1 cordoned\nevicting pod default\/a-\S+\npod\/a-\S+ evicted\nnode\/n1 drained\n$/);
    expect(again).toBe('node/n1 uncordoned\n');
  });
});
