import {
  CancelImageCreationCommand,
  GetImageCommand,
  type ImagebuilderClient,
  type ImageStatus,
  paginateListImagePipelineImages,
  StartImagePipelineExecutionCommand,
} from '@aws-sdk/client-imagebuilder';
import { type Image, imagePipelineName } from '#contract';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';

/** Where a fleet's pipelines are. */
export interface PipelineScope {
  readonly fleet: string;
  /** ARN of anything in the same account and region. */
  readonly neighbour: string;
}

/** A build as Image Builder tells of it. */
export interface Build {
  readonly arn: string;
  readonly status: ImageStatus;
  readonly reason: string;
  /** The image it made, once it is there. */
  readonly amiId: string | undefined;
}

export const RUNNING: readonly ImageStatus[] = [
  'PENDING',
  'CREATING',
  'BUILDING',
  'TESTING',
  'DISTRIBUTING',
  'INTEGRATING',
];

/** `arn:<partition>:<service>:<region>:<account>:…` */
const pipelineArn = ({ fleet, neighbour }: PipelineScope, image: Image): string => {
  const [, partition, , region, account] = neighbour.split(':');
  return `arn:${partition}:imagebuilder:${region}:${account}:image-pipeline/${imagePipelineName(fleet, image)}`;
};

const noPipeline = (image: Image, error: Error): CommandError =>
  new CommandError(EXIT.setup, {
    what: `the fleet has no pipeline for the image ${image}`,
    got: error.message,
    remedy: `set images.enabled and run \`npx cdk deploy --all\`; or build with Packer: \`npm run ami:${image}\`, then \`carrierarr ami publish --manifest ami/manifest-${image}.json\``,
    cause: error,
  });

const isMissing = (error: unknown): error is Error =>
  error instanceof Error && /^(ResourceNotFoundException|InvalidParameterValueException)$/.test(error.name);

/** The build that a pipeline is at. @throws CommandError (setup) where there is no such pipeline */
export const findRunning = async (
  client: ImagebuilderClient,
  scope: PipelineScope,
  image: Image,
): Promise<string | undefined> => {
  const input = { imagePipelineArn: pipelineArn(scope, image) };
  try {
    for await (const { imageSummaryList = [] } of paginateListImagePipelineImages({ client }, input)) {
      const running = imageSummaryList.find(
        ({ state }) => state?.status !== undefined && RUNNING.includes(state.status),
      );
      if (running?.arn !== undefined) return running.arn;
    }
    return undefined;
  } catch (error) {
    throw isMissing(error) ? noPipeline(image, error) : error;
  }
};

export const startBuild = async (client: ImagebuilderClient, scope: PipelineScope, image: Image): Promise<string> => {
  try {
    const imagePipelineArn = pipelineArn(scope, image);
    const { imageBuildVersionArn } = await client.send(new StartImagePipelineExecutionCommand({ imagePipelineArn }));
    return imageBuildVersionArn ?? '';
  } catch (error) {
    throw isMissing(error) ? noPipeline(image, error) : error;
  }
};

export const readBuild = async (client: ImagebuilderClient, arn: string): Promise<Build> => {
  const { image } = await client.send(new GetImageCommand({ imageBuildVersionArn: arn }));
  return {
    arn,
    status: image?.state?.status ?? 'PENDING',
    reason: image?.state?.reason ?? '',
    amiId: image?.outputResources?.amis?.[0]?.image,
  };
};

export const cancelBuild = async (client: ImagebuilderClient, arn: string): Promise<void> => {
  await client.send(new CancelImageCreationCommand({ imageBuildVersionArn: arn }));
};
