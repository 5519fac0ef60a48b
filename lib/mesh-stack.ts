import { createHash } from 'node:crypto';
import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { type IKey, Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { OUTPUT, parameterName, type SignerSettings } from '#contract';
import type { CodeFactory } from './bundling.ts';
import { CapabilityResource } from './capability-resource.ts';
import type { Config } from './config.ts';
import { keepKey, onlySign } from './iam/ca-key-policy.ts';
import { signCertificates } from './iam/identity-policy.ts';
import { allow } from './iam/statement.ts';
import { functionRoleName, roleArn } from './names.ts';

export interface MeshStackProps extends StackProps {
  readonly config: Config;
  readonly code: CodeFactory;
}

/** Functions that may sign; the key refuses everybody else. */
const SIGNING_FUNCTIONS = ['ca', 'identity', 'certificates'] as const;

interface Authority {
  /** PEM. */
  readonly certificate: string;
  readonly fingerprint: string;
  /** Name of the parameter that holds the certificate. */
  readonly parameter: string;
}

/**
 * The certificate authority. Key and certificate outlive the stack: the homelab trusts them, and no other key can take
 * their place without a roll-over.
 */
export class MeshStack extends Stack {
  readonly signer: SignerSettings;
  /** PEM of the CA certificate. */
  readonly caCertificate: string;
  /** SHA-256 of that certificate, as `nebula-cert print` shows it. */
  readonly caFingerprint: string;

  constructor(scope: Construct, id: string, { config, code, ...props }: MeshStackProps) {
    super(scope, id, { ...props, terminationProtection: true });
    const { ca } = config.mesh;
    if (ca.signer === 'secret') {
      this.signer = { kind: 'secret', secretArn: ca.secretArn ?? '' };
      const authority = this.existingAuthority(config, ca.certificate ?? '');
      this.caCertificate = authority.certificate;
      this.caFingerprint = authority.fingerprint;
      this.outputs(authority);
      return;
    }
    const key = ca.keyArn === undefined ? this.caKey(config) : Key.fromKeyArn(this, 'CaKey', ca.keyArn);
    this.signer = { kind: 'kms', keyArn: key.keyArn };
    const authority = this.ownAuthority(config, code, key);
    this.caCertificate = authority.certificate;
    this.caFingerprint = authority.fingerprint;
    this.outputs(authority);
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
    key.addToResourcePolicy(onlySign(SIGNING_FUNCTIONS.map((name) => roleArn(this, functionRoleName(config, name)))));
    key.addToResourcePolicy(keepKey());
    return key;
  }

  /** Signed by the key itself, once; the handler adopts what an earlier deploy has left. */
  private ownAuthority(config: Config, code: CodeFactory, key: IKey): Authority {
    const parameter = parameterName.caCertificate(config.fleet, key.keyId);
    const { fleet, mesh } = config;
    const { resource } = new CapabilityResource(this, 'Ca', {
      capability: 'ca',
      config,
      code,
      statements: [
        ...signCertificates({ kind: 'kms', keyArn: key.keyArn }),
        allow(
          ['ssm:GetParameter', 'ssm:PutParameter'],
          [this.formatArn({ service: 'ssm', resource: 'parameter', resourceName: parameter.slice(1) })],
        ),
      ],
      resourceType: 'Custom::NebulaCa',
      properties: {
        keyArn: key.keyArn,
        keyId: key.keyId,
        fleet,
        name: mesh.ca.name,
        groups: mesh.ca.groups,
        days: mesh.ca.days,
      },
    });
    return {
      certificate: resource.getAttString('Certificate'),
      fingerprint: resource.getAttString('Fingerprint'),
      parameter: resource.getAttString('Parameter'),
    };
  }

  /** A CA made by `nebula-cert`: its certificate comes from the configuration, its key never passes here. */
  private existingAuthority(config: Config, certificate: string): Authority {
    const { parameterName: parameter } = new StringParameter(this, 'CaCertificate', {
      parameterName: parameterName.caCertificate(config.fleet, 'existing'),
      description: `Nebula CA of fleet ${config.fleet}`,
      stringValue: certificate,
    });
    return { certificate, fingerprint: fingerprintOf(certificate), parameter };
  }

  private outputs({ fingerprint, parameter }: Authority): void {
    new CfnOutput(this, OUTPUT.caFingerprint, { value: fingerprint });
    new CfnOutput(this, OUTPUT.caCertificateParameter, { value: parameter });
    new CfnOutput(this, OUTPUT.trustStep, {
      value:
        `Append the certificate in SSM parameter ${parameter} to pki.ca of the homelab lighthouse and of every other ` +
        'peer, then send SIGHUP to Nebula there. Until then no worker handshakes.',
    });
  }
}

/** SHA-256 of the encoded certificate, as `nebula-cert print` shows it. */
const fingerprintOf = (pem: string): string =>
  createHash('sha256')
    .update(Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'))
    .digest('hex');
