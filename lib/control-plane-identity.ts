import type { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyDocument, Role } from 'aws-cdk-lib/aws-iam';
import { CfnProfile, CfnTrustAnchor } from 'aws-cdk-lib/aws-rolesanywhere';
import { Construct } from 'constructs';
import { controlPlaneCommonName, OUTPUT } from '#contract';
import type { Config } from './config.ts';
import { carryCertificateFields, certifiedControlPlane, putObservations } from './iam/control-plane-policy.ts';
import { controlPlaneRoleName } from './names.ts';

export interface ControlPlaneIdentityProps {
  readonly config: Config;
  /** PEM of the CA, from `homelab.controlPlane.trustAnchor`. */
  readonly trustAnchor: string;
  readonly bus: EventBus;
}

/** Sessions last an hour: a certificate that is withdrawn is of no use soon after. */
const SESSION_SECONDS = 3600;

/**
 * What the homelab's control plane is to AWS: the holder of a certificate of the owner's own CA, exchanged for an hour's
 * credentials by IAM Roles Anywhere. Costs nothing.
 */
export class ControlPlaneIdentity extends Construct {
  /** What the control plane must be told, by the name of the stack's output. */
  readonly outputs: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, { config, trustAnchor, bus }: ControlPlaneIdentityProps) {
    super(scope, id);
    const { fleet } = config;
    const name = controlPlaneCommonName(fleet);
    const anchor = new CfnTrustAnchor(this, 'TrustAnchor', {
      name,
      enabled: true,
      source: { sourceType: 'CERTIFICATE_BUNDLE', sourceData: { x509CertificateData: trustAnchor } },
    });
    const holder = certifiedControlPlane(fleet, anchor.attrTrustAnchorArn);
    const role = new Role(this, 'Role', {
      roleName: controlPlaneRoleName(config),
      description: "The homelab's control plane: tells the fleet of idle and dead workers, nothing else",
      assumedBy: holder,
      inlinePolicies: { observe: new PolicyDocument({ statements: [putObservations(bus)] }) },
    });
    role.assumeRolePolicy?.addStatements(carryCertificateFields(holder));
    const profile = new CfnProfile(this, 'Profile', {
      name,
      enabled: true,
      roleArns: [role.roleArn],
      durationSeconds: SESSION_SECONDS,
    });
    this.outputs = {
      [OUTPUT.controlPlaneTrustAnchor]: anchor.attrTrustAnchorArn,
      [OUTPUT.controlPlaneProfile]: profile.attrProfileArn,
      [OUTPUT.controlPlaneRole]: role.roleArn,
    };
  }
}
