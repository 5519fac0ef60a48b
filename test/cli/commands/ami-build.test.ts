import {
  CancelImageCreationCommand,
  GetImageCommand,
  ImagebuilderClient,
  type ImageState,
  ListImagePipelineImagesCommand,
  StartImagePipelineExecutionCommand,
} from '@aws-sdk/client-imagebuilder';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mockClient } from '../../support/mock-client.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';

const builder = mockClient(ImagebuilderClient);
const arn = (image: string, build = '1.0.4/1') =>
  `arn:aws:imagebuilder:us-west-2:000000000000:image/carrierarr-${image}/${build}`;
const pipeline = (image: string) => `arn:aws:imagebuilder:us-west-2:000000000000:image-pipeline/carrierarr-${image}`;

let fleet: DeployedFleet;
beforeEach(async () => {
  builder.reset();
  fleet = await deployedFleet();
  builder.on(ListImagePipelineImagesCommand).resolves({
    imageSummaryList: [{ arn: arn('gpu-worker', '1.0.3/1'), state: { status: 'AVAILABLE' } }],
  });
  builder.on(StartImagePipelineExecutionCommand).callsFake(({ imagePipelineArn }: { imagePipelineArn: string }) => ({
    imageBuildVersionArn: `${imagePipelineArn.replace('image-pipeline', 'image')}/1.0.4/1`,
  }));
});
afterEach(() => fleet.close());

/** What each look at a build finds; the last one stays. */
const states = (...list: (ImageState & { ami?: string })[]): void => {
  const left = [...list];
  builder.on(GetImageCommand).callsFake(() => {
    const { ami, ...state } = (left.length > 1 ? left.shift() : left[0]) ?? {};
    return { image: { state, outputResources: { amis: ami === undefined ? [] : [{ image: ami }] } } };
  });
};

const started = (): (string | undefined)[] =>
  builder.commandCalls(StartImagePipelineExecutionCommand).map(({ args }) => args[0].input.imagePipelineArn);

describe('ami build', () => {
  it('starts the pipeline and follows it through its states to the image', async () => {
    states(
      { status: 'CREATING' },
      { status: 'BUILDING' },
      { status: 'BUILDING' },
      { status: 'TESTING' },
      { status: 'DISTRIBUTING' },
      { status: 'INTEGRATING' },
      { status: 'AVAILABLE', ami: 'ami-00000000a' },
    );

    const { code, out } = await fleet.run('ami build gpu-worker');

    expect(code).toBe(0);
    expect(started()).toEqual([pipeline('gpu-worker')]);
    await expect(out).toMatchFileSnapshot('../../golden/cli/ami-build.txt');
  });

  it('builds what workers boot where nothing is named', async () => {
    states({ status: 'AVAILABLE', ami: 'ami-00000000a' });

    await fleet.run('ami build');

    expect(started()).toEqual([pipeline('lighthouse'), pipeline('gpu-worker')]);
  });

  it('follows a build that is under way instead of starting another', async () => {
    builder.on(ListImagePipelineImagesCommand).resolves({
      imageSummaryList: [{ arn: arn('gpu-worker', '1.0.5/1'), state: { status: 'TESTING' } }],
    });
    states({ status: 'AVAILABLE', ami: 'ami-00000000a' });

    const { out } = await fleet.run('ami build gpu-worker');

    expect(started()).toEqual([]);
    expect(out).toContain('Already building gpu-worker');
    expect(builder.commandCalls(GetImageCommand)[0]?.args[0].input).toEqual({
      imageBuildVersionArn: arn('gpu-worker', '1.0.5/1'),
    });
  });

  it('ends with the reason and the log where the build failed', async () => {
    states({ status: 'BUILDING' }, { status: 'FAILED', reason: "step 'base-40-nebula' failed" });

    const { code, err } = await fleet.run('ami build gpu-worker');

    expect(code).toBe(1);
    expect(err).toContain('the build of gpu-worker ended as FAILED');
    expect(err).toContain("step 'base-40-nebula' failed");
    expect(err).toContain('aws logs tail /aws/imagebuilder/carrierarr-gpu-worker');
  });

  it('says what to deploy, and that Packer does without, where there is no pipeline', async () => {
    const missing = Object.assign(new Error('no such pipeline'), { name: 'ResourceNotFoundException' });
    builder.on(ListImagePipelineImagesCommand).rejects(missing);

    const { code, err } = await fleet.run('ami build gpu-worker');

    expect(code).toBe(5);
    expect(err).toContain('images.enabled');
    expect(err).toContain('carrierarr ami publish --manifest ami/manifest-gpu-worker.json');
  });

  it('says that the embedded cloud builds none, without asking it', async () => {
    const environment = { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' };

    const { code, err } = await fleet.run('ami build', { environment });

    expect(code).toBe(5);
    expect(err).toContain('the embedded cloud builds no images');
    expect(builder.calls()).toHaveLength(0);
  });

  it('returns at once with --no-wait', async () => {
    const { code, out } = await fleet.run('ami build gpu-worker --no-wait');

    expect(code).toBe(0);
    expect(out).toContain('follow it with: carrierarr ami build gpu-worker');
    expect(builder.commandCalls(GetImageCommand)).toHaveLength(0);
  });

  it('leaves the build going on when it is interrupted, and says how to look again and how to end it', async () => {
    const controller = new AbortController();
    const interruption = { signal: controller.signal, notice: '', arm: () => {}, disarm: () => {} };
    builder.on(GetImageCommand).callsFake(() => {
      controller.abort();
      return { image: { state: { status: 'BUILDING' } } };
    });

    const { code, err } = await fleet.run('ami build gpu-worker', { interruption });

    expect(code).toBe(130);
    expect(err).toContain('look again: carrierarr ami build gpu-worker');
    expect(err).toContain('--cancel');
    expect(builder.commandCalls(CancelImageCreationCommand)).toHaveLength(0);
  });

  it('ends builds with --cancel', async () => {
    builder.on(ListImagePipelineImagesCommand).resolves({
      imageSummaryList: [{ arn: arn('gpu-worker'), state: { status: 'BUILDING' } }],
    });
    builder
      .on(ListImagePipelineImagesCommand, { imagePipelineArn: pipeline('base') })
      .resolves({ imageSummaryList: [] });

    const { out } = await fleet.run('ami build base gpu-worker --cancel');

    expect(out).toBe(`no build of base is running\ncancelled gpu-worker: ${arn('gpu-worker')}\n`);
    expect(
      builder.commandCalls(CancelImageCreationCommand).map(({ args }) => args[0].input.imageBuildVersionArn),
    ).toEqual([arn('gpu-worker')]);
    expect(started()).toEqual([]);
  });

  it('tells machines what started, each phase and the result', async () => {
    states({ status: 'BUILDING' }, { status: 'AVAILABLE', ami: 'ami-00000000a' });

    const { out } = await fleet.run('ami build base --json');
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

    expect(events.map(({ event, phase, status }) => [event, phase, status])).toEqual([
      ['started', undefined, undefined],
      ['phase', 'building', 'running'],
      ['phase', 'building', 'done'],
      ['result', undefined, 'AVAILABLE'],
    ]);
    expect(events.at(-1)).toMatchObject({ image: 'base', amiId: 'ami-00000000a' });
  });

  it('refuses an image there is not, before AWS is asked', async () => {
    expect((await fleet.run('ami build windows')).code).toBe(2);
    expect(fleet.cloudFormation.calls()).toHaveLength(0);
  });
});
