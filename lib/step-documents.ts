import { CfnDocument } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { documentName, STEPS, type StepName } from '#contract';
import { buildDocument } from '../ssm/document.ts';

export interface StepDocumentsProps {
  readonly fleet: string;
}

/** One Run Command document per step. A new version becomes the default at once; running executions use it. */
export class StepDocuments extends Construct {
  constructor(scope: Construct, id: string, { fleet }: StepDocumentsProps) {
    super(scope, id);
    for (const step of Object.keys(STEPS) as StepName[]) {
      new CfnDocument(this, step, {
        name: documentName(fleet, step),
        documentType: 'Command',
        documentFormat: 'JSON',
        targetType: '/AWS::EC2::Instance',
        updateMethod: 'NewVersion',
        content: buildDocument(step),
      });
    }
  }
}
