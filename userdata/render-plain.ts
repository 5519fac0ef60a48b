import { Token } from 'aws-cdk-lib';
import { renderTemplate, type UserDataValues } from './render.ts';

/** What a worker needs that installs itself, beside what every worker does. */
export interface PlainUserDataValues extends UserDataValues {
  /** Where the bake bundle lies: the tree of `ami/`, as tar.gz. Its name may be known at deployment only. */
  readonly bundleBucket: string;
  readonly bundleKey: string;
  readonly bundleSha256: string;
  readonly nebulaVersion: string;
  readonly k3sVersion: string;
  readonly ciliumVersion: string;
  readonly liqoVersion: string;
  readonly nvidiaDriverVersion: string;
  readonly ollamaVersion: string;
}

/** As long as a bucket's name may be: stands for one that is not known yet. */
const SOME_BUCKET = 'b'.repeat(63);

/** User data of a worker that boots Amazon Linux 2023 and installs itself from the bake bundle. */
export const renderPlainUserData = (values: PlainUserDataValues): string => {
  const bundleBucket = Token.isUnresolved(values.bundleBucket) ? SOME_BUCKET : values.bundleBucket;
  return renderTemplate('plain.sh', { ...values }, { ...values, bundleBucket });
};
