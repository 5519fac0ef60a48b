import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CILIUM_IMAGES, publishK3s, publishTools } from './support/artifacts.ts';
import { BakeSandbox } from './support/bake-sandbox.ts';

const CHARTS = 'usr/local/share/carrierarr/charts';

let sandbox: BakeSandbox;
beforeEach(() => {
  sandbox = new BakeSandbox();
  publishTools(sandbox);
  publishK3s(sandbox);
});
afterEach(() => sandbox.remove());

const run = (...names: string[]) =>
  names.map((name) => sandbox.script(`lighthouse/scripts/${name}.sh`, 'lighthouse')).at(-1) ?? {
    status: 1,
    stderr: '',
  };

describe('the programs of a lighthouse', () => {
  it('are helm, cilium and liqoctl, each of its own release', () => {
    expect(run('20-tools').stderr).toBe('');

    expect(sandbox.downloads().map((url) => new URL(url).hostname)).toEqual([
      'get.helm.sh',
      'github.com',
      'github.com',
    ]);
    for (const name of ['helm', 'cilium', 'liqoctl']) expect(sandbox.mode(`usr/local/bin/${name}`)).toBe('755');
    expect(Object.keys(sandbox.manifest().versions)).toEqual(['cilium-cli', 'helm', 'liqoctl']);
  });

  it.each(['HELM', 'CILIUM_CLI', 'LIQOCTL'])('stop the bake where the checksum of %s is wrong', (product) => {
    const version = sandbox.version(product === 'LIQOCTL' ? 'LIQO_VERSION' : `${product}_VERSION`);
    sandbox.pin(product, version, 'c'.repeat(64));

    expect(run('20-tools')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('not the file that was verified'),
    });
  });
});

describe('the charts of a lighthouse', () => {
  it('lie unpacked where the steps look for them', () => {
    expect(run('30-charts').stderr).toBe('');

    const [cilium, liqo] = [sandbox.version('CILIUM_VERSION'), sandbox.version('LIQO_VERSION')];
    expect(sandbox.read(`${CHARTS}/cilium-${cilium}/Chart.yaml`)).toContain(cilium);
    expect(sandbox.read(`${CHARTS}/liqo-${liqo}/Chart.yaml`)).toContain(liqo);
  });

  it('are not taken from an archive of something else', () => {
    const version = sandbox.version('CILIUM_VERSION');
    const url = `https://helm.cilium.io/cilium-${version}.tgz`;
    sandbox.pin('CILIUM_CHART', version, sandbox.publishArchive(url, { 'other/Chart.yaml': '' }));

    expect(run('30-charts').status).not.toBe(0);
    expect(sandbox.exists(`${CHARTS}/cilium-${version}`)).toBe(false);
  });
});

describe('k3s on a lighthouse', () => {
  const all = ['20-tools', '30-charts', '40-k3s'];

  it('is unpacked, and its containerd has the images of the release and those of the chart by their digests', () => {
    expect(run(...all)).toMatchObject({ status: 0, stderr: '' });

    const calls = sandbox.calls().filter((call) => /^(k3s|containerd)/.test(call));
    expect(calls.findIndex((call) => call.includes('images import'))).toBeGreaterThan(
      calls.findIndex((call) => call.startsWith('containerd')),
    );
    expect(calls.filter((call) => call.includes('images pull')).map((call) => call.split(' ').at(-1))).toEqual(
      CILIUM_IMAGES,
    );
    expect(calls.find((call) => call.startsWith('containerd'))).toMatch(
      /--root \/var\/lib\/rancher\/k3s\/agent\/containerd --state \/run\/k3s\/containerd/,
    );
    expect(sandbox.snapshot()['usr/local/bin/kubectl']).toBe('-> k3s');
  });

  it('leaves no identity, for no server ever ran', () => {
    run(...all);

    expect(sandbox.calls().join('\n')).not.toMatch(/k3s (server|agent)/);
    expect(sandbox.exists('var/lib/rancher/k3s/server')).toBe(false);
    expect(sandbox.exists('etc/rancher')).toBe(false);
  });

  it('changes nothing the second time', () => {
    run(...all);
    const before = sandbox.snapshot();
    sandbox.forgetCalls();

    expect(run(...all).status).toBe(0);

    expect(sandbox.downloads()).toEqual([]);
    expect(sandbox.calls().join('\n')).not.toMatch(/images (import|pull)/);
    const after = sandbox.snapshot();
    expect(Object.keys(after)).toEqual(Object.keys(before));
  });

  it('takes no image that is named by a tag alone', () => {
    run('20-tools', '30-charts');
    sandbox.write('usr/local/bin/helm', `#!/bin/bash\necho '  image: "quay.io/cilium/cilium:v1.16.6"'\n`, 0o755);

    expect(run('40-k3s')).toMatchObject({ status: 1, stderr: expect.stringContaining('not named by its digest') });
  });

  it('stops where its containerd does not start', () => {
    sandbox.fails('containerd');

    expect(run(...all)).toMatchObject({ status: 1, stderr: expect.stringContaining("k3s's containerd ended at once") });
  });

  it('stops where the images cannot be imported, and leaves no containerd behind', () => {
    sandbox.fails('import');

    expect(run(...all).status).not.toBe(0);

    expect(sandbox.calls()).toContain('containerd ended');
    expect(sandbox.calls().join('\n')).not.toContain('images pull');
  });

  it('stops where its program is another one', () => {
    run('20-tools', '30-charts');
    sandbox.pin('K3S', sandbox.version('K3S_VERSION'), 'c'.repeat(64));

    expect(run('40-k3s').status).toBe(1);
    expect(sandbox.exists('usr/local/bin/k3s')).toBe(false);
  });
});
