import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { resourcesOf, synthesise } from './support/app.ts';

const { fleet } = synthesise();
const { fleet: without } = synthesise({ fleet: 'second', agent: { tokens: false, idleMinutes: 0 } });

const ofType = (template: typeof fleet, type: string) =>
  Object.entries(resourcesOf(template)).filter(([, { Type }]) => Type === type);

describe('the key of agent tokens', () => {
  it('is drawn at the deploy, stands in no template, and goes with the fleet', () => {
    const [[, secret] = ['', undefined], ...more] = ofType(fleet, 'AWS::SecretsManager::Secret');

    expect(more).toEqual([]);
    expect(secret).toMatchObject({
      DeletionPolicy: 'Delete',
      Properties: {
        Name: 'carrierarr/agent-key',
        GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true, IncludeSpace: false },
        Tags: [{ Key: 'carrierarr:fleet', Value: 'carrierarr' }],
      },
    });
    expect(secret?.Properties).not.toHaveProperty('SecretString');
  });

  it('is not there where tokens are off', () => {
    without.resourceCountIs('AWS::SecretsManager::Secret', 0);
    without.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'second-identity',
      Environment: { Variables: Match.objectLike({ AGENT_KEY_SECRET: '' }) },
    });
  });
});
