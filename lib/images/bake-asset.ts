import { Annotations, Stack } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { allow } from '../iam/statement.ts';
import { bakeBundle } from './bake-bundle.ts';

const NO_AGENT =
  'the worker agent is not built, so images made from this bundle lack it and their workers fail at VerifyAgent: ' +
  'npm run build:worker-agent, then deploy again (or set agent.verify to false)';

/** The bundle of image scripts where a machine can fetch it. */
export class BakeAsset extends Construct {
  readonly bucket: string;
  readonly key: string;
  readonly sha256: string;
  readonly hasAgent: boolean;

  constructor(scope: Construct, id: string, { config }: { readonly config: Config }) {
    super(scope, id);
    const { file, sha256, hasAgent } = bakeBundle();
    const asset = new Asset(this, 'Bundle', { path: file });
    this.bucket = asset.s3BucketName;
    this.key = asset.s3ObjectKey;
    this.sha256 = sha256;
    this.hasAgent = hasAgent;
    if (config.agent.verify && !hasAgent) Annotations.of(this).addWarningV2('carrierarr:no-worker-agent', NO_AGENT);
  }

  /** Reading this one object. The asset's own `grantRead` opens the whole bucket, with the code of every stack. */
  read(): PolicyStatement {
    return allow(['s3:GetObject'], [`arn:${Stack.of(this).partition}:s3:::${this.bucket}/${this.key}`]);
  }
}

/** Image scripts know Cilium's and Liqo's versions without the v. */
export const bare = (version: string): string => version.replace(/^v/, '');

/** What the scripts of images are told of the configuration; see `ami/lib/bake.sh`. */
export const bakeEnvironment = ({ images, k3s, cilium, liqo }: Config, hasAgent: boolean): Record<string, string> => ({
  NEBULA_VERSION: images.nebulaVersion,
  K3S_VERSION: k3s.version,
  CILIUM_VERSION: bare(cilium.version),
  LIQO_VERSION: bare(liqo.version),
  NVIDIA_DRIVER_VERSION: images.nvidiaDriver,
  OLLAMA_VERSION: images.ollamaVersion,
  ...(hasAgent ? {} : { WORKER_AGENT: 'none' }),
});
