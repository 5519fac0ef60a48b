import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { IMAGES } from '#contract';
import { scriptsOf } from '../../lib/images/script-list.ts';
import { readTemplates, scriptsIn } from './support/packer-templates.ts';

describe.each(IMAGES)('the scripts of %s', (image) => {
  const expected = scriptsOf(image);

  it('end with cleaning and validation', () => {
    expect(expected.slice(-2)).toEqual(['ami/base/scripts/90-cleanup.sh', 'ami/base/scripts/95-validate.sh']);
  });

  it('are run by Packer, all and in order', async () => {
    expect(scriptsIn(await readTemplates(), image)).toEqual(expected);
  });

  it('are run by bake.sh, all and in order', () => {
    const listed = execFileSync('bash', ['ami/bake.sh', '--list', image], { encoding: 'utf8' });

    expect(listed.trim().split('\n')).toEqual(expected.map((script) => script.replace('ami/', '')));
  });
});
