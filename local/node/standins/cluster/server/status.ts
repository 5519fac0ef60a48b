import type { Dict } from '../object.ts';

/** A refusal as the API server words it. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Dict;
  constructor(code: number, reason: string, message: string, details: Dict = {}) {
    super(message);
    this.name = 'StatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toJSON(): Dict {
    const { code, reason, message, details } = this;
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code };
  }
}

export const notFound = (resource: string, name: string): StatusError =>
  new StatusError(404, 'NotFound', `${resource} "${name}" not found`, { name, kind: resource });

export const alreadyExists = (resource: string, name: string): StatusError =>
  new StatusError(409, 'AlreadyExists', `${resource} "${name}" already exists`, { name, kind: resource });

export const conflict = (resource: string, name: string): StatusError =>
  new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${resource} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
  );

export const forbidden = (resource: string, name: string, why: string): StatusError =>
  new StatusError(403, 'Forbidden', `${resource} "${name}" is forbidden: ${why}`);

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);

export const unknownResource = (): StatusError =>
  new StatusError(404, 'NotFound', 'the server could not find the requested resource');
