import { AuthorizationType, EndpointType, LambdaIntegration, ResponseType, RestApi } from 'aws-cdk-lib/aws-apigateway';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Config } from './config.ts';

export interface WorkersApiProps {
  readonly config: Config;
  readonly workers: IFunction;
  readonly certificates: IFunction;
}

/** An error that the gateway itself answers, before any function runs. */
interface GatewayProblem {
  readonly type: ResponseType;
  readonly status: number;
  readonly title: string;
  readonly remedy: string;
}

const GATEWAY_PROBLEMS: readonly GatewayProblem[] = [
  {
    type: ResponseType.ACCESS_DENIED,
    status: 403,
    title: 'Access denied',
    remedy: 'attach the operator policy to the caller',
  },
  {
    type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
    status: 403,
    title: 'Not signed, or no such path',
    remedy: 'sign the call with SigV4 (service execute-api) and check method and path',
  },
  { type: ResponseType.THROTTLED, status: 429, title: 'Too many calls', remedy: 'wait a second and call again' },
  // These two stand for several: the status in the answer's line is the gateway's own.
  { type: ResponseType.DEFAULT_4XX, status: 400, title: 'The call was refused', remedy: 'see detail' },
  {
    type: ResponseType.DEFAULT_5XX,
    status: 500,
    title: 'The call failed inside',
    remedy: 'call again: it is idempotent',
  },
];

/** RFC 9457, as the functions answer. The gateway's variable comes with quotes of its own. */
const problemTemplate = ({ title, status, remedy }: GatewayProblem): string =>
  JSON.stringify({ type: 'about:blank', title, status, detail: '@', faults: [], remedy }).replace(
    '"@"',
    '$context.error.messageString',
  );

/** One permission a function, instead of two a method. */
const integrate = (handler: IFunction): LambdaIntegration =>
  new LambdaIntegration(handler, { scopePermissionToMethod: false });

/** The HTTP door: signed by IAM, bodies checked by the functions themselves against the contract. */
export class WorkersApi extends Construct {
  readonly api: RestApi;

  constructor(scope: Construct, id: string, { config, workers, certificates }: WorkersApiProps) {
    super(scope, id);
    this.api = new RestApi(this, 'Api', {
      restApiName: `${config.fleet}-workers`,
      description: `Workers of fleet ${config.fleet}`,
      endpointTypes: [EndpointType.REGIONAL],
      // The role for gateway logs is one per account and region: not ours to set.
      cloudWatchRole: false,
      deployOptions: { stageName: 'v1', throttlingRateLimit: 10, throttlingBurstLimit: 20 },
      defaultMethodOptions: { authorizationType: AuthorizationType.IAM },
    });
    this.api.node.tryRemoveChild('Endpoint');
    this.routes(integrate(workers), integrate(certificates));
    for (const problem of GATEWAY_PROBLEMS) {
      this.api.addGatewayResponse(problem.type.responseType, {
        type: problem.type,
        responseHeaders: { 'Content-Type': "'application/problem+json'" },
        templates: { 'application/json': problemTemplate(problem) },
      });
    }
  }

  private routes(workers: LambdaIntegration, certificates: LambdaIntegration): void {
    const all = this.api.root.addResource('workers');
    all.addMethod('POST', workers);
    all.addMethod('GET', workers);
    const one = all.addResource('{name}');
    one.addMethod('GET', workers);
    one.addMethod('DELETE', workers);
    const issued = this.api.root.addResource('certificates');
    issued.addMethod('POST', certificates);
    issued.addMethod('GET', certificates);
    issued.addResource('{id}').addMethod('GET', certificates);
  }
}
