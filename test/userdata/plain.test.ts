import { spawnSync } from 'node:child_process';
import { App, Fn, Stack } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { ROLES } from '#contract';
import { USER_DATA_LIMIT_BYTES } from '../../userdata/render.ts';
import { renderPlainUserData } from '../../userdata/render-plain.ts';
import { plainValues } from './plain-values.ts';

describe.each(ROLES)('plain user data of a %s', (role) => {
  const rendered = renderPlainUserData(plainValues({ role }));

  it('is what it was', async () => {
    await expect(rendered).toMatchFileSnapshot(`../golden/userdata/${role}.plain.sh`);
  });

  it('is a shell script', () => {
    expect(spawnSync('bash', ['-n'], { input: rendered, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  it('has the settings as lines of their own, which is how the boot program finds them', () => {
    const settings = rendered.split('\n').filter((line) => /^CARRIERARR_[A-Z0-9_]+=[A-Za-z0-9_./:+-]+$/.test(line));

    expect(settings.map((line) => line.split('=')[0])).toEqual([
      'CARRIERARR_FLEET',
      'CARRIERARR_ROLE',
      'CARRIERARR_REGION',
      'CARRIERARR_SECRET_PREFIX',
      'CARRIERARR_CONTROL_PLANE',
      'CARRIERARR_READY_SECONDS',
      'CARRIERARR_BUNDLE_BUCKET',
      'CARRIERARR_BUNDLE_KEY',
      'CARRIERARR_BUNDLE_SHA256',
    ]);
  });

  it('leaves room below the limit of EC2', () => {
    expect(Buffer.byteLength(rendered)).toBeLessThan(USER_DATA_LIMIT_BYTES / 2);
  });
});

describe('the renderer of plain user data', () => {
  it('takes the name of a bucket that is known at deployment only', () => {
    const stack = new Stack(new App(), 'Some');
    const bundleBucket = Fn.sub(`assets-$\{AWS::AccountId}`);

    const rendered = renderPlainUserData(plainValues({ bundleBucket }));

    expect(stack.resolve(rendered)).toMatchObject({
      'Fn::Join': ['', expect.arrayContaining([{ 'Fn::Sub': expect.stringContaining('AccountId') }])],
    });
  });

  it.each(['k3sVersion', 'bundleKey', 'bundleBucket'] as const)('refuses an unsafe %s', (name) => {
    expect(() => renderPlainUserData(plainValues({ [name]: '$(reboot)' }))).toThrow(
      expect.objectContaining({ got: `${name}: unsafe value "$(reboot)"` }),
    );
  });
});
