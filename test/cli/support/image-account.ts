import { CopyImageCommand, DescribeImagesCommand, EC2Client, type Image } from '@aws-sdk/client-ec2';
import { GetParametersCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from '../../support/mock-client.ts';
import { anEc2Image } from './images.ts';

export const OURS = { 'carrierarr:fleet': 'carrierarr' };
export const NEW = 'ami-0000000011';
export const OLD = 'ami-0000000022';
export const COPY = 'ami-0000000033';

const matches = ({ ImageId, Tags = [] }: Image, name: string, value: string): boolean =>
  name === 'image-id' ? ImageId === value : Tags.some(({ Key, Value }) => `tag:${Key}` === name && Value === value);

/** An account with an unpublished image, a published one, and the parameter of gpu-workers. For one test file. */
export const imageAccount = () => {
  const ssm = mockClient(SSMClient);
  const ec2 = mockClient(EC2Client);
  const state: { images: Image[]; parameter: string | undefined } = { images: [], parameter: undefined };
  const written = () =>
    [...ec2.calls(), ...ssm.calls()].filter(({ args }) => !/^(Describe|Get)/.test(args[0].constructor.name));
  return {
    ssm,
    ec2,
    state,
    reset: (): void => {
      ssm.reset();
      ec2.reset();
      state.images = [anEc2Image('11'), anEc2Image('22', { ...OURS, 'carrierarr:keep': 'published' })];
      state.parameter = OLD;
      ec2
        .on(DescribeImagesCommand)
        .callsFake(({ Filters: [filter] }: { Filters: { Name: string; Values: string[] }[] }) => ({
          Images: state.images.filter((image) => matches(image, filter?.Name ?? '', filter?.Values[0] ?? '')),
        }));
      ec2.on(CopyImageCommand).resolves({ ImageId: COPY });
      ssm.on(GetParametersCommand).callsFake(() => ({
        Parameters:
          state.parameter === undefined ? [] : [{ Name: '/carrierarr/ami/gpu-worker', Value: state.parameter }],
      }));
      ssm.on(PutParameterCommand).callsFake(({ Value }: { Value: string }) => {
        state.parameter = Value;
        return {};
      });
    },
    /** The only image there is. */
    replace: (overrides: Partial<Image>): void => {
      state.images = [{ ...anEc2Image('11'), ...overrides }];
    },
    /** Input of every call that changes something. */
    changes: (): unknown[] => written().map(({ args }) => args[0].input),
    changed: (): string[] => written().map(({ args }) => args[0].constructor.name),
  };
};
