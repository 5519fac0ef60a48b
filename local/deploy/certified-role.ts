import * as z from 'zod';
import { identifierOf } from './undeployable.ts';

/** What a template grants by IAM Roles Anywhere, read from its resources so that the edge enforces what AWS would. */
export interface CertifiedRole {
  readonly trustAnchorId: string;
  readonly profileId: string;
  readonly roleName: string;
  /** Certificate of the authority (PEM). */
  readonly authority: string;
  /** Common name that a certificate must have. */
  readonly commonName: string;
  readonly sources: readonly string[];
  readonly detailTypes: readonly string[];
}

interface Resource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown> | undefined;
}

const Anchor = z.object({ Source: z.object({ SourceData: z.object({ X509CertificateData: z.string() }) }) });

const CN = 'aws:PrincipalTag/x509Subject/CN';
const Trust = z.object({
  RoleName: z.string(),
  AssumeRolePolicyDocument: z.object({
    Statement: z.array(z.object({ Condition: z.object({ StringEquals: z.object({ [CN]: z.string() }) }) })).min(1),
  }),
  Policies: z.array(
    z.object({
      PolicyDocument: z.object({
        Statement: z.array(
          z.object({
            Action: z.literal('events:PutEvents'),
            Condition: z.object({
              'ForAllValues:StringEquals': z.object({
                'events:source': z.union([z.string(), z.array(z.string())]),
                'events:detail-type': z.union([z.string(), z.array(z.string())]),
              }),
            }),
          }),
        ),
      }),
    }),
  ),
});

const ofType = (resources: Readonly<Record<string, Resource>>, type: string): [string, Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

const isTrusting = ({ Properties }: Resource): boolean =>
  JSON.stringify(Properties?.AssumeRolePolicyDocument ?? '').includes('rolesanywhere.amazonaws.com');

/**
 * The one role of a template that certificates open, if it has a trust anchor.
 * @throws ZodError if the role grants anything in a form that the edge does not enforce
 */
export const certifiedRoleOf = (resources: Readonly<Record<string, Resource>>): CertifiedRole | undefined => {
  const [anchor] = ofType(resources, 'AWS::RolesAnywhere::TrustAnchor');
  const [profile] = ofType(resources, 'AWS::RolesAnywhere::Profile');
  const [role] = ofType(resources, 'AWS::IAM::Role').filter(([, resource]) => isTrusting(resource));
  if (anchor === undefined || profile === undefined || role === undefined) return undefined;
  const { RoleName, AssumeRolePolicyDocument, Policies } = Trust.parse(role[1].Properties);
  const granted = Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).map(
    ({ Condition }) => Condition['ForAllValues:StringEquals'],
  );
  return {
    trustAnchorId: identifierOf(anchor[0]),
    profileId: identifierOf(profile[0]),
    roleName: RoleName,
    authority: Anchor.parse(anchor[1].Properties).Source.SourceData.X509CertificateData,
    commonName: AssumeRolePolicyDocument.Statement[0]?.Condition.StringEquals[CN] ?? '',
    sources: granted.flatMap((condition) => condition['events:source']),
    detailTypes: granted.flatMap((condition) => condition['events:detail-type']),
  };
};
