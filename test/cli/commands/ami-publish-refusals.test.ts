import { DescribeImagesCommand } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';
import { imageAccount, NEW } from '../support/image-account.ts';
import { anEc2Image } from '../support/images.ts';

const account = imageAccount();
const { ec2, state } = account;

let fleet: DeployedFleet;
beforeEach(async () => {
  account.reset();
  fleet = await deployedFleet();
});
afterEach(() => fleet.close());

const tag = (value: string | undefined): void =>
  account.replace({ Tags: value === undefined ? [] : [{ Key: 'carrierarr:image', Value: value }] });

describe('ami publish refuses', () => {
  it.each<[string, () => void, string, number, string]>([
    ['an image of another role', () => tag('gpu-worker'), `${NEW} --role lighthouse`, 2, 'is no image for lighthouse'],
    ['an image of no role', () => tag(undefined), NEW, 2, 'does not say which role'],
    ['base', () => tag('base'), NEW, 2, 'is no image that workers boot'],
    ['one without a tag', () => tag(undefined), `${NEW} --role gpu-worker`, 2, 'add --force'],
    ['another processor', () => account.replace({ Architecture: 'arm64' }), NEW, 2, 'arm64'],
    ['one that cannot be launched', () => account.replace({ State: 'disabled' }), NEW, 2, 'disabled'],
    [
      "another fleet's",
      () => account.replace(anEc2Image('11', { 'carrierarr:fleet': 'other' })),
      NEW,
      4,
      'fleet other',
    ],
    ['one that is not here', () => account.replace({ ImageId: 'ami-0' }), NEW, 3, '--from'],
  ])('%s', async (_, arrange, words, exit, said) => {
    arrange();

    const { code, err } = await fleet.run(`ami publish ${words}`);

    expect(code).toBe(exit);
    expect(err).toContain(said);
    expect(account.changes()).toEqual([]);
  });

  it('an image of another account, even where it may be launched', async () => {
    const [theirs] = state.images;
    ec2.on(DescribeImagesCommand).callsFake(({ Owners }: { Owners?: string[] }) => ({
      Images: Owners === undefined ? [theirs] : [],
    }));

    expect((await fleet.run(`ami publish ${NEW}`)).err).toContain('belongs to another account');
  });

  it.each([
    'ami publish',
    'ami publish i-0123456789abcdef0',
    `ami publish ${NEW} --role base`,
    `ami publish ${NEW} --from moon`,
    `ami publish ${NEW} --manifest x.json`,
    'ami publish --manifest x.json --from us-east-1',
  ])('"%s" before AWS is asked', async (line) => {
    expect((await fleet.run(line)).code).toBe(2);
    expect(fleet.cloudFormation.calls()).toHaveLength(0);
  });

  it('with the remedy that belongs to what was wrong', async () => {
    expect((await fleet.run('ami publish nonsense')).err).toContain('correct the id');
    expect((await fleet.run(`ami publish ${NEW} --role nonsense`)).err).toContain('correct the name');
  });

  it('but for --force, where a person knows better', async () => {
    tag(undefined);

    const { code } = await fleet.run(`ami publish ${NEW} --role gpu-worker --force`);

    expect(code).toBe(0);
    expect(state.parameter).toBe(NEW);
  });
});
