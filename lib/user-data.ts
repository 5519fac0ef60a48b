import type { Role } from '#contract';
import type { Config } from './config.ts';

export const userDataOf = (config: Config, role: Role): string =>
  `CARRIERARR_FLEET=${config.fleet}\nCARRIERARR_ROLE=${role}\nCARRIERARR_REGION=${config.region}\nCARRIERARR_SECRET_PREFIX=${config.secretPrefix}\nCARRIERARR_CONTROL_PLANE=${config.controlPlane}\n`;
