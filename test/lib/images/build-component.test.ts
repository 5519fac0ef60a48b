import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { IMAGES } from '#contract';
import { buildComponent, stepNameOf } from '../../../lib/images/build-component.ts';
import { ComponentDocument, type ComponentStep } from '../../../lib/images/component-document.ts';
import { scriptsOf, unitsOf } from '../../../lib/images/script-list.ts';

const component = (overrides: Partial<Parameters<typeof buildComponent>[0]> = {}) =>
  buildComponent({
    image: 'gpu-worker',
    scripts: scriptsOf('gpu-worker'),
    units: unitsOf('gpu-worker'),
    bundleUri: 's3://bucket/key.gz',
    bundleSha256: 'a'.repeat(64),
    environment: { NEBULA_VERSION: '1.9.0', K3S_VERSION: 'v1.31.2+k3s1' },
    ...overrides,
  });

const commandsOf = (step: ComponentStep): readonly string[] =>
  step.action === 'ExecuteBash' ? step.inputs.commands : [];

describe('component of an image', () => {
  it.each(IMAGES)('%s runs exactly its scripts, in their order, one a step', (image) => {
    const { phases } = component({ image, scripts: scriptsOf(image) });
    const steps = phases.flatMap((phase): readonly ComponentStep[] => phase.steps);
    const run = steps.filter((step) => commandsOf(step).some((command) => command.startsWith('bash ')));

    expect(run.map(({ name }) => name)).toEqual(scriptsOf(image).map(stepNameOf));
    expect(run.map((step) => commandsOf(step).at(-1))).toEqual(
      scriptsOf(image).map((script) => `bash "$BAKE_DIR/${script.replace(/^ami\//, '')}"`),
    );
  });

  it('validates, last of all, in the phase for it: what fails there makes no image', () => {
    const [, validate] = component().phases;

    expect(validate.steps.map(({ name }) => name)).toEqual(['base-95-validate']);
  });

  it('checks the archive before anything of it runs', () => {
    const [build] = component().phases;
    const [, download, unpack] = build.steps;

    expect(download).toMatchObject({ action: 'S3Download', inputs: [{ source: 's3://bucket/key.gz' }] });
    expect(unpack && commandsOf(unpack)[1]).toBe(
      `echo '${'a'.repeat(64)}  /opt/carrierarr/bake.tar.gz' | sha256sum --check --strict --quiet`,
    );
  });

  it('downloads into a folder that an earlier step has made: a download makes none and would fail', () => {
    const [build] = component().phases;
    const made: string[] = [];
    const homeless: string[] = [];
    for (const step of build.steps) {
      made.push(...commandsOf(step).flatMap((command) => /^mkdir -p (\S+)$/.exec(command)?.[1] ?? []));
      if (step.action !== 'S3Download') continue;
      homeless.push(...step.inputs.map(({ destination }) => dirname(destination)).filter((at) => !made.includes(at)));
    }

    expect(homeless).toEqual([]);
  });

  it('stops at the first fault of every step', () => {
    for (const { steps } of component().phases) {
      for (const step of steps) {
        expect(step.onFailure).toBe('Abort');
        if (step.action === 'ExecuteBash') expect(step.inputs.commands[0]).toBe('set -euo pipefail');
      }
    }
  });

  it('tells each script the image, the tree and the versions', () => {
    const [build] = component().phases;

    expect(build.steps.at(-1)).toMatchObject({
      inputs: {
        commands: expect.arrayContaining([
          "export BAKE_DIR='/opt/carrierarr/bake' IMAGE='gpu-worker' NEBULA_VERSION='1.9.0' K3S_VERSION='v1.31.2+k3s1'",
        ]),
      },
    });
  });

  it('looks, on an instance of the image, for every unit that is to start by itself', () => {
    const [, , test] = component().phases;
    const [look] = test.steps;

    expect(look && commandsOf(look)).toEqual(
      expect.arrayContaining(
        ['carrierarr-boot.service', 'carrierarr-deadman.timer', 'nvidia-persistenced.service'].map(
          (unit) => `systemctl is-enabled ${unit}`,
        ),
      ),
    );
  });

  it('refuses a value that would mean something to a shell', () => {
    expect(() => component({ environment: { NEBULA_VERSION: "1'; reboot; '" } })).toThrow(/NEBULA_VERSION/);
  });

  it('fits into what CloudFormation takes inline', () => {
    expect(JSON.stringify(component()).length).toBeLessThan(14_000);
  });
});

describe('schema of components', () => {
  const document = component();
  const [build, validate, test] = document.phases;
  const planted = (step: Record<string, unknown>) => ({
    ...document,
    phases: [
      { ...build, steps: [...build.steps, { ...build.steps.at(-1), name: 'planted', ...step }] },
      validate,
      test,
    ],
  });
  const isValid = (candidate: unknown): boolean => ComponentDocument.safeParse(candidate).success;

  it('takes ours', () => {
    expect(isValid(document)).toBe(true);
    expect(isValid(planted({}))).toBe(true);
  });

  it.each([
    ['an unknown action', { action: 'ExecuteShell' }],
    ['commands that go on after a fault', { inputs: { commands: ['echo hello'] } }],
    [
      'an expression in a command',
      { inputs: { commands: ['set -euo pipefail', 'docker inspect --format {{.Id}} x'] } },
    ],
    ['a step that is passed over when it fails', { onFailure: 'Continue' }],
    ['a field that is not in the format', { retries: 3 }],
    ['a name that is there already', { name: 'UnpackTree' }],
    ['no end', { timeoutSeconds: 0 }],
    ['an empty list of downloads', { action: 'S3Download', inputs: [] }],
  ])('refuses %s', (_, fault) => {
    expect(isValid(planted(fault))).toBe(false);
  });

  it('refuses a document without validation', () => {
    expect(isValid({ ...document, phases: [build, { ...validate, steps: [] }, test] })).toBe(false);
    expect(isValid({ ...document, phases: [build, test] })).toBe(false);
  });
});
