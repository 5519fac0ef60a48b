import { basename } from 'node:path';
import type { Image } from '#contract';
import { ConfigurationError } from '#shared/errors.ts';
import { parseInput } from '#shared/input.ts';
import { ComponentDocument, type ComponentStep } from './component-document.ts';

export interface ComponentFacts {
  readonly image: Image;
  /** As `scriptsOf` names them. */
  readonly scripts: readonly string[];
  /** Units that start by themselves. */
  readonly units: readonly string[];
  /** `s3://bucket/key` of the bundle; may be a token. */
  readonly bundleUri: string;
  readonly bundleSha256: string;
  /** What the scripts are told, see `ami/lib/bake.sh`. */
  readonly environment: Readonly<Record<string, string>>;
}

const FOLDER = '/opt/carrierarr';
const BAKE_DIR = `${FOLDER}/bake`;
const ARCHIVE = `${FOLDER}/bake.tar.gz`;

const DOWNLOAD_SECONDS = 300;
/** Kernel modules are compiled and gigabytes downloaded; nothing takes this long that still works. */
const SCRIPT_SECONDS = 3600;

/** Value that means itself within single quotes. */
const SAFE = /^[A-Za-z0-9._+/-]+$/;

const bash = (name: string, timeoutSeconds: number, commands: readonly string[]): ComponentStep => ({
  name,
  action: 'ExecuteBash',
  timeoutSeconds,
  onFailure: 'Abort',
  inputs: { commands: ['set -euo pipefail', ...commands] },
});

const fetchTree = ({ bundleUri, bundleSha256 }: ComponentFacts): ComponentStep[] => [
  // A download makes no folder and fails where there is none.
  bash('MakeFolder', DOWNLOAD_SECONDS, [`mkdir -p ${FOLDER}`]),
  {
    name: 'DownloadTree',
    action: 'S3Download',
    timeoutSeconds: DOWNLOAD_SECONDS,
    onFailure: 'Abort',
    inputs: [{ source: bundleUri, destination: ARCHIVE }],
  },
  bash('UnpackTree', DOWNLOAD_SECONDS, [
    `echo '${bundleSha256}  ${ARCHIVE}' | sha256sum --check --strict --quiet`,
    `rm -rf ${BAKE_DIR}`,
    `mkdir -p ${BAKE_DIR}`,
    `tar --extract --gzip --no-same-owner --file ${ARCHIVE} --directory ${BAKE_DIR}`,
    `rm -f ${ARCHIVE}`,
  ]),
];

/** `ami/base/scripts/10-system.sh` is step `base-10-system`. */
export const stepNameOf = (script: string): string => {
  const [, image = ''] = script.split('/');
  return `${image}-${basename(script, '.sh')}`;
};

const exports = ({ image, environment }: ComponentFacts): string => {
  const values = { BAKE_DIR, IMAGE: image, ...environment };
  const unsafe = Object.entries(values).filter(([, value]) => !SAFE.test(value));
  if (unsafe.length > 0) {
    throw new ConfigurationError({
      what: `the scripts of image ${image} cannot be told these values`,
      got: unsafe.map(([name, value]) => `${name}=${value}`).join(', '),
      allowed: 'letters, digits and . _ + / -',
      remedy: 'correct images in the configuration',
    });
  }
  return `export ${Object.entries(values)
    .map(([name, value]) => `${name}='${value}'`)
    .join(' ')}`;
};

const runScript =
  (facts: ComponentFacts) =>
  (script: string): ComponentStep =>
    bash(stepNameOf(script), SCRIPT_SECONDS, [exports(facts), `bash "$BAKE_DIR/${script.replace(/^ami\//, '')}"`]);

const isValidation = (script: string): boolean => basename(script) === '95-validate.sh';

/** That the machine got so far says that the image boots and its Systems Manager agent runs. */
const lookAtImage = ({ image, units }: ComponentFacts): ComponentStep =>
  bash('LookAtImage', DOWNLOAD_SECONDS, [
    // Of several at once one that is enabled is enough for a success.
    ...units.map((unit) => `systemctl is-enabled ${unit}`),
    `grep --quiet --extended-regexp '"image": *"${image}"' /etc/carrierarr/image.json`,
    `test ! -e ${BAKE_DIR}`,
  ]);

/**
 * The component that makes an image: one step a script, so that a failure is known by its name.
 * @throws InputError when the document is not one that Image Builder takes
 */
export const buildComponent = (facts: ComponentFacts): ComponentDocument => {
  const { image, scripts } = facts;
  return parseInput(ComponentDocument, {
    schemaVersion: '1.0',
    name: image,
    description: `Makes the image ${image}: the scripts of ami/, in their order`,
    phases: [
      { name: 'build', steps: [...fetchTree(facts), ...scripts.filter((s) => !isValidation(s)).map(runScript(facts))] },
      { name: 'validate', steps: scripts.filter(isValidation).map(runScript(facts)) },
      { name: 'test', steps: [lookAtImage(facts)] },
    ],
  });
};
