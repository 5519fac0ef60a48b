import { describe, expect, it } from 'vitest';
import { EVENT } from '#contract';
import { pruneTemplate } from '../../../local/deploy/template.ts';
import { synthesise } from '../../lib/support/app.ts';
import { anAuthority } from '../../support/x509.ts';

describe('what the edge enforces of IAM Roles Anywhere', () => {
  it('is what the deployed template grants', () => {
    const { certificate: authority } = anAuthority();
    const { fleet } = synthesise({ homelab: { controlPlane: { trustAnchor: authority } } });

    const { certified, removed } = pruneTemplate(fleet.toJSON());

    expect(certified).toMatchObject({
      authority,
      commonName: 'carrierarr-control-plane',
      roleName: 'carrierarr-control-plane-us-west-2',
      sources: [EVENT.homelabSource],
      detailTypes: [EVENT.workerIdle, EVENT.workerDead],
    });
    expect(removed.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['AWS::RolesAnywhere::TrustAnchor', 'AWS::RolesAnywhere::Profile']),
    );
  });

  it('is nothing where the fleet has no trust anchor', () => {
    expect(pruneTemplate(synthesise().fleet.toJSON()).certified).toBeUndefined();
  });
});
