export * from './doors.ts';
export * from './environment.ts';
export * from './names.ts';
export * from './operations.ts';
export * from './ports.ts';
export * from './settings.ts';
export * from './steps.ts';
export * from './worker.ts';
