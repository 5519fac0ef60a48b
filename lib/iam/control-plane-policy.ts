import type { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { controlPlaneCommonName, EVENT } from '#contract';
import { allow } from './statement.ts';

/**
 * Whoever shows a certificate of that one trust anchor, with the one common name: without the first any trust anchor of
 * the account would do, without the second any certificate of the CA.
 */
export const certifiedControlPlane = (fleet: string, trustAnchorArn: string): ServicePrincipal =>
  new ServicePrincipal('rolesanywhere.amazonaws.com', {
    conditions: {
      ArnEquals: { 'aws:SourceArn': trustAnchorArn },
      StringEquals: { 'aws:PrincipalTag/x509Subject/CN': controlPlaneCommonName(fleet) },
    },
  });

/** What Roles Anywhere does beside assuming the role: it hands on the certificate's fields as tags. */
export const carryCertificateFields = (principal: ServicePrincipal): PolicyStatement =>
  new PolicyStatement({ principals: [principal], actions: ['sts:SetSourceIdentity', 'sts:TagSession'] });

/**
 * Observations on the one bus, and nothing else. A call may hold several entries, so that a key may have several values:
 * every one must be on the list, and there must be one, since a key without values satisfies `ForAllValues`.
 */
export const putObservations = (bus: EventBus): PolicyStatement =>
  allow(['events:PutEvents'], [bus.eventBusArn], {
    'ForAllValues:StringEquals': {
      'events:source': [EVENT.homelabSource],
      'events:detail-type': [EVENT.workerIdle, EVENT.workerDead],
    },
    Null: { 'events:source': 'false', 'events:detail-type': 'false' },
  });
