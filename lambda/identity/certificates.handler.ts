import { ENVIRONMENT } from '#contract';
import { parseEnvironment } from '#shared/environment.ts';
import { createLogger } from '#shared/logging.ts';
import { proxyHandler } from '#shared/proxy.ts';
import { buildIdentityPorts } from './build-ports.ts';
import { certificateRoutes } from './certificate-routes.ts';

const ports = buildIdentityPorts(parseEnvironment(ENVIRONMENT.certificates));

export const handler = proxyHandler(certificateRoutes(ports), createLogger('certificates'));
