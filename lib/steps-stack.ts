import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from './config.ts';
import { HomelabNode } from './homelab-node.ts';
import { StepDocuments } from './step-documents.ts';

export interface StepsStackProps extends StackProps {
  readonly config: Config;
}

/**
 * What runs on nodes, on EC2 and in the homelab, and what the homelab's node may do. A stack of its own: whole scripts
 * stand in it, and together with the fleet's machines they would outgrow the megabyte that a template may have.
 */
export class StepsStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...props }: StepsStackProps) {
    super(scope, id, { ...props, suppressTemplateIndentation: true });
    new StepDocuments(this, 'Steps', { fleet: config.fleet });
    new HomelabNode(this, 'Homelab', { config });
  }
}
