import { CfnOutput, CustomResource, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { Provider } from 'aws-cdk-lib/custom-resources';
import type { Construct } from 'constructs';
import { OUTPUT, parameterName, type SignerSettings } from '#contract';
import type { CodeFactory } from './bundling.ts';
import { CapabilityFunction } from './capability-function.ts';
import type { Config } from './config.ts';
import { signCertificates } from './iam/identity-policy.ts';
import { allow } from './iam/statement.ts';
import { functionRoleName, roleArn } from './names.ts';

export interface MeshStackProps extends StackProps {
  readonly config: Config;
  readonly code: CodeFactory;
}

/** Functions that may sign; the key refuses everybody else. */
const SIGNING_FUNCTIONS = ['ca', 'identity', 'certificates'] as const;

/**
 * The certificate authority. Key and certificate outlive the stack: the homelab trusts them, and no other key can take
 * their place without a roll-over.
 */
export class MeshStack extends Stack {
  readonly signer: SignerSettings;
  /** PEM of the CA certificate. */
  readonly caCertificate: string;

  constructor(scope: Construct, id: string, props: MeshStackProps) {
    super(scope, id, { ...props, terminationProtection: true });
    const { ca } = props.config.mesh;
    if (ca.signer === 'secret') {
      this.signer = { kind: 'secret', secretArn: ca.secretArn ?? '' };
      this.caCertificate = ca.certificate ?? '';
      return;
    }
    const key = ca.keyArn === undefined ? this.caKey(props.config) : Key.fromKeyArn(this, 'CaKey', ca.keyArn);
    this.signer = { kind: 'kms', keyArn: key.keyArn };
    const certificate = this.selfSigned(key, props);
    this.caCertificate = certificate.getAttString('Certificate');
    this.outputs(certificate);
  }

  /** RETAIN_ON_UPDATE_OR_DELETE: a failed first deploy leaves no orphan key, everything later keeps it. */
  private caKey(config: Config): Key {
    const key = new Key(this, 'CaKey', {
      alias: `${config.fleet}-ca`,
      description: `Nebula CA ${config.mesh.ca.name} of fleet ${config.fleet}`,
      keySpec: KeySpec.ECC_NIST_EDWARDS25519,
      keyUsage: KeyUsage.SIGN_VERIFY,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    key.addToResourcePolicy(this.denySigningToOthers(config));
    key.addToResourcePolicy(denyHastyDeletion());
    return key;
  }

  /** By the roles' ARNs as text: a role named as principal would have to exist before the key. */
  private denySigningToOthers(config: Config): PolicyStatement {
    const signers = SIGNING_FUNCTIONS.map((name) => roleArn(this, functionRoleName(config, name)));
    return new PolicyStatement({
      sid: 'OnlySignersSign',
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ['kms:Sign'],
      resources: ['*'],
      conditions: { ArnNotEquals: { 'aws:PrincipalArn': signers } },
    });
  }

  private selfSigned(key: IKey, { config, code }: MeshStackProps): CustomResource {
    const parameter = parameterName.caCertificate(config.fleet, key.keyId);
    const onEvent = new CapabilityFunction(this, 'Ca', {
      capability: 'ca',
      config,
      code,
      environment: { FLEET: config.fleet },
      statements: [
        ...signCertificates({ kind: 'kms', keyArn: key.keyArn }),
        allow(
          ['ssm:GetParameter', 'ssm:PutParameter', 'ssm:AddTagsToResource'],
          [this.formatArn({ service: 'ssm', resource: 'parameter', resourceName: parameter.slice(1) })],
        ),
      ],
    });
    const provider = new Provider(this, 'CaProvider', { onEventHandler: onEvent.function });
    return new CustomResource(this, 'CaCertificate', {
      serviceToken: provider.serviceToken,
      resourceType: 'Custom::NebulaCa',
      serviceTimeout: Duration.minutes(5),
      properties: {
        keyArn: key.keyArn,
        keyId: key.keyId,
        fleet: config.fleet,
        name: config.mesh.ca.name,
        groups: config.mesh.ca.groups,
        days: config.mesh.ca.days,
      },
    });
  }

  private outputs(certificate: CustomResource): void {
    const parameter = certificate.getAttString('Parameter');
    new CfnOutput(this, OUTPUT.caFingerprint, { value: certificate.getAttString('Fingerprint') });
    new CfnOutput(this, OUTPUT.caCertificateParameter, { value: parameter });
    new CfnOutput(this, OUTPUT.trustStep, {
      value:
        `Append the certificate in SSM parameter ${parameter} to pki.ca of the homelab lighthouse and of every other ` +
        'peer, then send SIGHUP to Nebula there. Until then no worker handshakes.',
    });
  }
}

const denyHastyDeletion = (): PolicyStatement =>
  new PolicyStatement({
    sid: 'DeletionTakesThirtyDays',
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ['kms:ScheduleKeyDeletion'],
    resources: ['*'],
    conditions: { NumericLessThan: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '30' } },
  });
