import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type SignerSettings, TAG } from '#contract';
import { allow, handoverSecretsArn, type PolicyScope, workerSecretsArn } from './statement.ts';

/**
 * Signing by the configured key. Conditions on Sign stand in a statement of their own: GetPublicKey carries no such
 * keys and would be denied with them.
 */
export const signCertificates = (signer: SignerSettings): PolicyStatement[] =>
  signer.kind === 'secret'
    ? [allow(['secretsmanager:GetSecretValue'], [signer.secretArn])]
    : [
        allow(['kms:Sign'], [signer.keyArn], {
          StringEquals: { 'kms:SigningAlgorithm': 'ED25519_SHA_512', 'kms:MessageType': 'RAW' },
        }),
        allow(['kms:GetPublicKey'], [signer.keyArn]),
      ];

/** The key of agent tokens; the identity function alone reads it, and no worker's role reaches its name. */
export const readAgentKey = (secretArn: string): PolicyStatement =>
  allow(['secretsmanager:GetSecretValue'], [secretArn]);

/**
 * Identities of workers, and credentials on their way from node to node. The prefix also holds secrets that people made
 * by hand, so that everything but making a tagged one asks for the fleet's tag.
 */
export const manageSecrets = (scope: PolicyScope): PolicyStatement[] => {
  const identities = workerSecretsArn(scope);
  const handovers = handoverSecretsArn(scope);
  const ours = { StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: scope.config.fleet } };
  const tagged = { StringEquals: { [`aws:RequestTag/${TAG.fleet}`]: scope.config.fleet } };
  return [
    allow(['secretsmanager:CreateSecret', 'secretsmanager:TagResource'], [identities, handovers], tagged),
    allow(['secretsmanager:GetSecretValue'], [identities], ours),
    // What nodes hand over is theirs: it is emptied and deleted here, never read.
    allow(['secretsmanager:PutSecretValue', 'secretsmanager:DeleteSecret'], [identities, handovers], ours),
    // Without the tag as condition: the answer tells a foreign secret from none.
    allow(['secretsmanager:DescribeSecret'], [identities, handovers]),
  ];
};
