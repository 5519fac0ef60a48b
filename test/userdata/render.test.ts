import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ROLES } from '#contract';
import { renderUserData, USER_DATA_LIMIT_BYTES, type UserDataValues } from '../../userdata/render.ts';

const values = (overrides: Partial<UserDataValues> = {}): UserDataValues => ({
  role: 'gpu-worker',
  fleet: 'carrierarr',
  region: 'us-west-2',
  secretPrefix: 'catalyst-llm',
  controlPlane: '10.100.0.1:50051',
  readySeconds: 7200,
  ...overrides,
});

describe.each(ROLES)('user data of a %s', (role) => {
  const rendered = renderUserData(values({ role }));

  it('is what it was', async () => {
    await expect(rendered).toMatchFileSnapshot(`../golden/userdata/${role}.env.sh`);
  });

  it('is a shell script that only sets variables', () => {
    const seen = spawnSync(
      'bash',
      ['--norc', '-c', `${rendered}\ncompgen -v CARRIERARR_ | while read -r v; do echo "$v=\${!v}"; done`],
      {
        encoding: 'utf8',
        env: {},
      },
    );

    expect(seen.stderr).toBe('');
    expect(seen.stdout.trimEnd().split('\n').sort()).toEqual([
      'CARRIERARR_CONTROL_PLANE=10.100.0.1:50051',
      'CARRIERARR_FLEET=carrierarr',
      'CARRIERARR_READY_SECONDS=7200',
      'CARRIERARR_REGION=us-west-2',
      `CARRIERARR_ROLE=${role}`,
      'CARRIERARR_SECRET_PREFIX=catalyst-llm',
    ]);
  });

  it('leaves room below the limit of EC2', () => {
    expect(Buffer.byteLength(rendered)).toBeLessThan(USER_DATA_LIMIT_BYTES / 8);
  });
});

describe('the renderer', () => {
  it.each(['a b', 'a"b', "a'b", 'a$b', 'a`b', 'a\nb', 'a\\b', 'a;b', 'a&b', 'a#b', '', 'ü', `$\{Token[AWS.Region.4]}`])(
    'refuses the unsafe value %j',
    (fleet) => {
      expect(() => renderUserData(values({ fleet }))).toThrow(/fleet: unsafe value/);
    },
  );

  it('reports every missing, unknown and unsafe value at once', () => {
    const { region: _, ...incomplete } = values({ fleet: 'a b' });
    const wrong = { ...incomplete, token: 'x' } as unknown as UserDataValues;

    expect(() => renderUserData(wrong)).toThrow(
      expect.objectContaining({
        name: 'ConfigurationError',
        got: 'region: missing | token: unknown | fleet: unsafe value "a b"',
      }),
    );
  });
});
