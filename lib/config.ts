export * from './config/explain.ts';
export * from './config/load.ts';
export { type Config, configuredPort, type WarningId } from './config/schema.ts';
export * from './config/settings.ts';
export * from './config/warnings.ts';
