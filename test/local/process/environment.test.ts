import { describe, expect, it } from 'vitest';
import { dummyAws, inheritedEnvironment } from '../../../local/process/environment.ts';

describe('the environment of a program of the embedded cloud', () => {
  it("has nothing of the user's AWS account", () => {
    const user = { PATH: '/bin', AWS_PROFILE: 'work', AWS_SESSION_TOKEN: 'x', AWS_ENDPOINT_URL_SSM: 'http://real' };

    const environment = inheritedEnvironment(dummyAws('http://127.0.0.1:1', 'us-west-2'), user);

    expect(environment).toMatchObject({
      PATH: '/bin',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_ACCESS_KEY_ID: 'test',
    });
    expect(Object.keys(environment)).not.toEqual(expect.arrayContaining(['AWS_PROFILE']));
    expect(environment).not.toHaveProperty('AWS_SESSION_TOKEN');
    expect(environment).not.toHaveProperty('AWS_ENDPOINT_URL_SSM');
    expect(environment.AWS_SHARED_CREDENTIALS_FILE).toBe('/dev/null');
  });

  it('has no secrets of other programs either, but what reaching a package registry takes', () => {
    const user = { GITHUB_TOKEN: 'x', PIP_INDEX_URL: 'https://pypi.example', HTTPS_PROXY: 'http://proxy' };

    expect(inheritedEnvironment({}, user)).toEqual({
      PIP_INDEX_URL: 'https://pypi.example',
      HTTPS_PROXY: 'http://proxy',
    });
  });
});
