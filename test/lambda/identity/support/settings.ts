export { fleetSettings as settings } from '../../../support/fleet-settings.ts';
