import { describe, expect, it } from 'vitest';
import { EVENT } from '#contract';
import { configWarnings, parseConfig } from '../../lib/config.ts';
import { aHolder, anAuthority } from '../support/x509.ts';
import { flatten, resourcesOf, synthesise } from './support/app.ts';
import { faultsOf } from './support/config-faults.ts';
import { allowing } from './support/policies.ts';

const { certificate: CA } = anAuthority();
const controlPlane = { trustAnchor: CA, url: 'http://fleet.home.example.org' };
const { fleet } = synthesise({ homelab: { controlPlane } });
const BUS = expect.stringMatching(/^<Bus[0-9A-F]+\.Arn>$/);

const ofType = (type: string) =>
  Object.values(resourcesOf(fleet))
    .filter(({ Type }) => Type === `AWS::RolesAnywhere::${type}`)
    .map(({ Properties }) => flatten(Properties) as Record<string, unknown>);
const role = Object.values(resourcesOf(fleet)).find(
  ({ Properties }) => Properties?.RoleName === 'carrierarr-control-plane-us-west-2',
);
const statementsOf = (document: unknown) => (flatten(document) as { Statement: Record<string, unknown>[] }).Statement;

describe('the identity of the control plane', () => {
  it('is the CA that the configuration names, and an hour for the one role', () => {
    expect(ofType('TrustAnchor')).toEqual([
      {
        Name: 'carrierarr-control-plane',
        Enabled: true,
        Source: { SourceType: 'CERTIFICATE_BUNDLE', SourceData: { X509CertificateData: CA } },
      },
    ]);
    expect(ofType('Profile')).toMatchObject([
      { Name: 'carrierarr-control-plane', Enabled: true, DurationSeconds: 3600, RoleArns: [expect.any(String)] },
    ]);
  });

  it('is taken on by certificates of that CA with that name alone', () => {
    const statements = statementsOf(role?.Properties.AssumeRolePolicyDocument);

    expect(statements.flatMap(({ Action }) => Action).toSorted()).toEqual([
      'sts:AssumeRole',
      'sts:SetSourceIdentity',
      'sts:TagSession',
    ]);
    for (const statement of statements)
      expect(statement).toMatchObject({
        Effect: 'Allow',
        Principal: { Service: 'rolesanywhere.amazonaws.com' },
        Condition: {
          ArnEquals: { 'aws:SourceArn': expect.stringMatching(/TrustAnchor.*\.TrustAnchorArn>$/) },
          StringEquals: { 'aws:PrincipalTag/x509Subject/CN': 'carrierarr-control-plane' },
        },
      });
  });

  it('puts observations on the one bus and nothing else anywhere', () => {
    const policies = flatten(role?.Properties.Policies) as { PolicyDocument: unknown }[];

    expect(policies.flatMap(({ PolicyDocument }) => statementsOf(PolicyDocument))).toEqual([
      {
        Effect: 'Allow',
        Action: 'events:PutEvents',
        Resource: BUS,
        Condition: {
          'ForAllValues:StringEquals': {
            'events:source': ['carrierarr.homelab'],
            'events:detail-type': ['Worker Idle', 'Worker Dead'],
          },
          Null: { 'events:source': 'false', 'events:detail-type': 'false' },
        },
      },
    ]);
    expect(role?.Properties.ManagedPolicyArns).toBeUndefined();
  });

  it('cannot ask for workers: those are other events', () => {
    expect([EVENT.homelabSource, EVENT.workerIdle, EVENT.workerDead]).not.toContain(EVENT.scaleOutRequested);
    expect(allowing(fleet, /ControlPlane/, 'events:PutEvents')).toEqual([]);
  });

  it('tells the command what the control plane must know', () => {
    for (const output of ['ControlPlaneTrustAnchorArn', 'ControlPlaneProfileArn', 'ControlPlaneRoleArn'])
      fleet.hasOutput(output, {});
    fleet.hasOutput('ControlPlaneUrl', { Value: controlPlane.url });
  });

  it('is not there where no CA is named', () => {
    const types = Object.values(resourcesOf(synthesise().fleet)).map(({ Type }) => Type);

    expect(types.filter((type) => type.startsWith('AWS::RolesAnywhere::'))).toEqual([]);
  });
});

describe('homelab.controlPlane.trustAnchor', () => {
  const faultOf = (trustAnchor: string) => faultsOf({ homelab: { controlPlane: { trustAnchor } } })[0];

  it('may be two CAs, so that one can take over from the other', () => {
    expect(faultOf(CA + anAuthority('the next', 'rsa').certificate)).toBeUndefined();
  });

  it('is not the certificate of the control plane itself', () => {
    expect(faultOf(aHolder('carrierarr-control-plane').certificate)).toMatchObject({
      field: 'homelab.controlPlane.trustAnchor',
      what: 'is no CA',
      got: expect.stringContaining('CN=carrierarr-control-plane, which may not sign others'),
    });
  });

  it.each([
    ['a broken certificate', CA.replace(/\n[A-Za-z0-9+/=]{20}/, '\nAAAA')],
    ['a Nebula CA', '-----BEGIN NEBULA CERTIFICATE-----\nCkcKEXRhbG9z\n-----END NEBULA CERTIFICATE-----\n'],
    ['three', CA + CA + CA],
    ['a private key', anAuthority().key],
  ])('is not %s', (_, pem) => {
    expect(faultOf(pem)).toMatchObject({ field: 'homelab.controlPlane.trustAnchor' });
  });

  it.each(['fleet.home', 'ftp://fleet.home', 'http://fleet.home/?token=1'])('has no page at %s', (url) => {
    expect(faultsOf({ homelab: { controlPlane: { url } } })).toMatchObject([{ field: 'homelab.controlPlane.url' }]);
  });
});

describe('a fleet whose idle workers nobody hears of', () => {
  const warned = (...layers: unknown[]): boolean =>
    configWarnings(parseConfig(...layers)).some(({ id }) => id === 'idle-unheard');

  it('is warned of where they are to be torn down', () => {
    expect(warned()).toBe(true);
    expect(warned({ agent: { idleMinutes: 0 } })).toBe(false);
    expect(warned({ homelab: { controlPlane } })).toBe(false);
  });
});
