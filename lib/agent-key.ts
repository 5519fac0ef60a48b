import { RemovalPolicy, Tags } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { agentKeySecretName, TAG } from '#contract';

export interface AgentKeyProps {
  readonly fleet: string;
}

/** Some 380 bits. */
const KEY_CHARACTERS = 64;

/** All but letters and digits: the key is a line of a file. */
const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

/**
 * The key by which the identity function signs what agents show the control plane. Drawn by Secrets Manager at the first
 * deploy, so that no template and no machine of an operator ever holds it; read by that function, and by whoever hands
 * it to the control plane.
 */
export class AgentKey extends Construct {
  readonly secret: Secret;

  constructor(scope: Construct, id: string, { fleet }: AgentKeyProps) {
    super(scope, id);
    this.secret = new Secret(this, 'Secret', {
      secretName: agentKeySecretName(fleet),
      description: `Carrierarr ${fleet}: key of agent tokens, one a line, the first one signs`,
      generateSecretString: {
        passwordLength: KEY_CHARACTERS,
        excludeCharacters: PUNCTUATION,
        excludePunctuation: true,
        includeSpace: false,
      },
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // No worker's tag: the sweep takes a secret without one for nobody's orphan.
    Tags.of(this.secret).add(TAG.fleet, fleet);
  }
}
