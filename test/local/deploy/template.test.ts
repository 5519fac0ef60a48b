import { describe, expect, it } from 'vitest';
import { pruneTemplate } from '../../../local/deploy/template.ts';

const document = { Type: 'AWS::SSM::Document', Properties: { Name: 'carrierarr-verify', Content: { a: 1 } } };
const queue = { Type: 'AWS::SQS::Queue' };

describe('pruneTemplate', () => {
  it('takes out what the emulator cannot deploy, and says what and why', () => {
    const { template, removed } = pruneTemplate({
      Resources: { Doc: document, Pipe: { Type: 'AWS::ImageBuilder::ImagePipeline' }, Queue: queue },
      Outputs: { A: { Value: 'b' } },
    });

    expect(template).toEqual({ Resources: { Queue: queue }, Outputs: { A: { Value: 'b' } } });
    expect(removed).toMatchObject([
      { logicalId: 'Doc', type: 'AWS::SSM::Document', reason: expect.stringContaining('edge') },
      { logicalId: 'Pipe', type: 'AWS::ImageBuilder::ImagePipeline' },
    ]);
  });

  it('hands over the documents by name', () => {
    expect(pruneTemplate({ Resources: { Doc: document } }).documents).toEqual({ 'carrierarr-verify': { a: 1 } });
  });

  it('takes them out of every DependsOn, alone or among others', () => {
    const { template } = pruneTemplate({
      Resources: { Doc: document, A: { ...queue, DependsOn: 'Doc' }, B: { ...queue, DependsOn: ['Doc', 'A'] } },
    });

    expect(template.Resources).toEqual({ A: queue, B: { ...queue, DependsOn: ['A'] } });
  });

  it("puts a document's name where something refers to it, however deep", () => {
    const { template } = pruneTemplate({
      Resources: {
        Doc: document,
        Queue: { ...queue, Properties: { Tags: [{ Value: { 'Fn::Join': ['-', ['x', { Ref: 'Doc' }]] } }] } },
      },
    });

    expect(JSON.stringify(template)).toContain('["x","carrierarr-verify"]');
  });

  it('puts ARNs of the region where something refers to what Roles Anywhere would have', () => {
    const { template } = pruneTemplate({
      Resources: { Anchor: { Type: 'AWS::RolesAnywhere::TrustAnchor', Properties: {} }, Queue: queue },
      Outputs: { Arn: { Value: { 'Fn::GetAtt': ['Anchor', 'TrustAnchorArn'] } } },
    });

    expect(JSON.stringify(template)).toMatch(
      /"Fn::Sub":"arn:aws:rolesanywhere:\$\{AWS::Region\}:\$\{AWS::AccountId\}:trust-anchor\/[0-9a-f-]{36}"/,
    );
  });

  it('refuses to leave out what others cannot do without', () => {
    const resources = {
      Pipe: { Type: 'AWS::ImageBuilder::ImagePipeline' },
      Queue: { ...queue, Properties: { QueueName: { 'Fn::GetAtt': ['Pipe', 'Arn'] } } },
    };

    expect(() => pruneTemplate({ Resources: resources })).toThrow(/AWS::ImageBuilder::ImagePipeline/);
  });

  it('refuses a document whose name is only known at deployment', () => {
    const nameless = { ...document, Properties: { ...document.Properties, Name: { Ref: 'AWS::StackName' } } };

    expect(() => pruneTemplate({ Resources: { Doc: nameless } })).toThrow(/no literal name/);
  });
});
