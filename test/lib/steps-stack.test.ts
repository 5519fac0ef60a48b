import { describe, expect, it } from 'vitest';
import { HOMELAB_STEPS, STEPS } from '#contract';
import { resourcesOf, synthesise } from './support/app.ts';

const { mesh, images, steps, fleet, stacks } = synthesise();

describe('templates', () => {
  /** CloudFormation's own limit is a million bytes. */
  const ROOM = 0.8;

  it.each(Object.entries({ mesh, images, steps, fleet }))('of stack %s is far below the limit', (_, template) => {
    expect(Buffer.byteLength(JSON.stringify(template.toJSON()))).toBeLessThan(ROOM * 1_000_000);
  });

  it('of the fleet stands on that of the steps', () => {
    expect(stacks.fleet.dependencies).toContain(stacks.steps);
  });
});

describe('steps', () => {
  const documents = Object.values(resourcesOf(steps))
    .filter(({ Type }) => Type === 'AWS::SSM::Document')
    .map(({ Properties }) => Properties);
  const named = (steps: object) => Object.keys(steps).map((step) => `carrierarr-${step}`);

  it('are documents with literal names, one for each script', () => {
    expect(documents.map(({ Name }) => Name)).toEqual([...named(STEPS), ...named(HOMELAB_STEPS)]);
    steps.allResourcesProperties('AWS::SSM::Document', { DocumentType: 'Command', UpdateMethod: 'NewVersion' });
  });

  it('are for EC2 instances where they run on workers, and for no such thing in the homelab', () => {
    for (const { Name, TargetType } of documents) {
      expect(TargetType, String(Name)).toBe(
        named(HOMELAB_STEPS).includes(String(Name)) ? undefined : '/AWS::EC2::Instance',
      );
    }
  });
});
