import { CfnDocument } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { documentName, HOMELAB_STEPS, STEPS } from '#contract';
import { type AnyStepName, buildDocument } from '../ssm/document.ts';

export interface StepDocumentsProps {
  readonly fleet: string;
}

/** One Run Command document per step. A new version becomes the default at once; running executions use it. */
export class StepDocuments extends Construct {
  constructor(scope: Construct, id: string, { fleet }: StepDocumentsProps) {
    super(scope, id);
    for (const step of keysOf(STEPS)) this.document(fleet, step, { targetType: '/AWS::EC2::Instance' });
    // Without a target type: a node that an activation made is no EC2 instance.
    for (const step of keysOf(HOMELAB_STEPS)) this.document(fleet, step, {});
  }

  private document(fleet: string, step: AnyStepName, target: { readonly targetType?: string }): void {
    new CfnDocument(this, step, {
      name: documentName(fleet, step),
      documentType: 'Command',
      documentFormat: 'JSON',
      updateMethod: 'NewVersion',
      content: buildDocument(step),
      ...target,
    });
  }
}

const keysOf = <T extends object>(table: T): (keyof T)[] => Object.keys(table) as (keyof T)[];
