import { join, resolve } from 'node:path';

/** The clone this code lies in. */
export const projectDirectory = resolve(import.meta.dirname, '..');

/** Where everything lies that the embedded cloud keeps; nothing outside it is written. Set CARRIERARR_STATE to move it. */
export const stateDirectory = (environment: NodeJS.ProcessEnv = process.env): string =>
  resolve(environment.CARRIERARR_STATE ?? join(projectDirectory, '.carrierarr'));

/** Directory of one cloud. */
export const cloudDirectory = (name: string, environment: NodeJS.ProcessEnv = process.env): string =>
  join(stateDirectory(environment), 'clouds', name);
