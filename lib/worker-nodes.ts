import { Construct } from 'constructs';
import type { Role } from '#contract';
import type { Config } from './config.ts';
import { BakeAsset } from './images/bake-asset.ts';
import { WorkerIdentity } from './worker-identity.ts';
import { WorkerNetwork } from './worker-network.ts';
import { WorkerTemplate } from './worker-template.ts';

export interface WorkerNodesProps {
  readonly config: Config;
}

/** Everything an instance is made of and met with: network, identity, a launch template per role. */
export class WorkerNodes extends Construct {
  readonly network: WorkerNetwork;
  readonly identity: WorkerIdentity;
  readonly templates: Readonly<Record<Role, WorkerTemplate>>;

  constructor(scope: Construct, id: string, { config }: WorkerNodesProps) {
    super(scope, id);
    this.network = new WorkerNetwork(this, 'Network', { config });
    const bundle = config.nodes.start === 'plain' ? new BakeAsset(this, 'Bake', { config }) : undefined;
    this.identity = new WorkerIdentity(this, 'Identity', { config, bundle });
    this.templates = {
      lighthouse: this.template(config, 'lighthouse', bundle),
      'gpu-worker': this.template(config, 'gpu-worker', bundle),
    };
  }

  private template(config: Config, role: Role, bundle: BakeAsset | undefined): WorkerTemplate {
    return new WorkerTemplate(this, `Template-${role}`, {
      config,
      role,
      bundle,
      instanceProfileName: this.identity.instanceProfileName,
      securityGroups: this.network.securityGroups[role],
    });
  }
}
