import { Annotations, type App } from 'aws-cdk-lib';
import { stackName } from '#contract';
import type { CodeFactory } from './bundling.ts';
import { type Config, configWarnings } from './config.ts';
import { FleetStack } from './fleet-stack.ts';
import { ImagesStack } from './images-stack.ts';
import { MeshStack } from './mesh-stack.ts';
import { StepsStack } from './steps-stack.ts';

export interface CarrierarrStacks {
  readonly mesh: MeshStack;
  readonly images: ImagesStack;
  readonly steps: StepsStack;
  readonly fleet: FleetStack;
}

/** The whole app. The region is the configuration's; the account is whoever deploys. */
export const addCarrierarrStacks = (app: App, config: Config, code: CodeFactory): CarrierarrStacks => {
  const shared = { config, env: { region: config.region } };
  const stack = (name: Parameters<typeof stackName>[1]) => stackName(config.fleet, name);
  const mesh = new MeshStack(app, stack('mesh'), {
    ...shared,
    code,
    description: `Carrierarr ${config.fleet}: certificate authority of the mesh`,
  });
  const images = new ImagesStack(app, stack('images'), {
    ...shared,
    description: `Carrierarr ${config.fleet}: the images of workers`,
  });
  const steps = new StepsStack(app, stack('steps'), {
    ...shared,
    description: `Carrierarr ${config.fleet}: what runs on nodes`,
  });
  const fleet = new FleetStack(app, stack('fleet'), {
    ...shared,
    code,
    signer: mesh.signer,
    caCertificate: mesh.caCertificate,
    caFingerprint: mesh.caFingerprint,
    description: `Carrierarr ${config.fleet}: makes, watches and removes workers`,
  });
  // Its machines start steps by name: these stand before them and go after them.
  fleet.addStackDependency(steps);
  showWarnings(fleet, config);
  return { mesh, images, steps, fleet };
};

const showWarnings = (stack: FleetStack, config: Config): void => {
  for (const { id, text, acknowledged } of configWarnings(config)) {
    const annotations = Annotations.of(stack);
    if (acknowledged) annotations.addInfo(text);
    else annotations.addWarningV2(`carrierarr:${id}`, `${text} (known? name ${id} in acknowledge)`);
  }
};
