import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type * as z from 'zod';
import {
  CertificateList,
  type CertificateRequest,
  type CertificateView,
  IssuedCertificate,
  Problem,
  ProvisionAnswer,
  type ProvisionRequest,
  TeardownAnswer,
  WorkerList,
  WorkerView,
} from '#contract';
import { CommandError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export interface ApiSettings {
  /** As the stack's output says. */
  readonly url: string;
  readonly region: string;
  readonly credentials: ConstructorParameters<typeof SignatureV4>[0]['credentials'];
  /** AWS_ENDPOINT_URL: the embedded cloud serves every API under one address. */
  readonly endpoint: string | undefined;
}

/** The fleet's HTTP API. */
export interface Api {
  /** 202 and `created`, or 200 when the name exists with the same parameters. */
  provision(request: ProvisionRequest): Promise<ProvisionAnswer & { created: boolean }>;
  /** `all`: those of the last 30 days that have been removed as well. */
  workers(all?: boolean): Promise<WorkerView[]>;
  worker(name: string): Promise<WorkerView>;
  teardown(name: string, deregisterAmi: boolean): Promise<TeardownAnswer>;
  issueCertificate(request: CertificateRequest): Promise<IssuedCertificate>;
  certificates(name?: string): Promise<CertificateView[]>;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Record<string, string>;
  readonly body?: unknown;
  /** Sending it twice does no harm, so a lost answer may be asked for again. */
  readonly repeatable: boolean;
}

const TIMEOUT_MILLISECONDS = 30_000;
const ATTEMPTS = 3;
const PAUSE_MILLISECONDS = 250;

/** `https://<id>.execute-api.<region>.amazonaws.com/<stage>/` → where to send it. */
export const baseUrl = (url: string, endpoint: string | undefined): URL => {
  const real = new URL(url.endsWith('/') ? url : `${url}/`);
  const match = /^([a-z0-9]+)\.execute-api\./.exec(real.hostname);
  if (endpoint === undefined || match?.[1] === undefined) return real;
  return new URL(`${endpoint.replace(/\/$/, '')}/_aws/execute-api/${match[1]}${real.pathname}`);
};

const EXIT_OF_STATUS: Readonly<Record<number, ExitCode>> = {
  400: EXIT.usage,
  401: EXIT.setup,
  403: EXIT.setup,
  404: EXIT.notFound,
  409: EXIT.conflict,
  422: EXIT.usage,
};

const REMEDY_OF_STATUS: Readonly<Record<number, string>> = {
  403: 'attach the managed policy <fleet>-operator-<region> to the user or role, see docs/cli.md',
  429: 'wait a few seconds, then run the command again',
};

const problemError = (status: number, text: string): CommandError => {
  const exitCode = EXIT_OF_STATUS[status] ?? EXIT.failed;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const problem = Problem.safeParse(parsed);
  if (problem.success) {
    const { detail, title, remedy, faults } = problem.data;
    const [fault] = faults;
    // The whole request is at fault: its one fault says the same as the detail, with got and allowed.
    if (fault?.field === '(request)') {
      return new CommandError(exitCode, { what: detail, got: fault.got, allowed: fault.allowed, remedy });
    }
    return new CommandError(exitCode, { what: fault === undefined ? detail || title : title, remedy }, faults);
  }
  // API Gateway's own answers, before any function was asked.
  return new CommandError(exitCode, {
    what: `the API answered ${status}`,
    got: text.slice(0, 500),
    remedy: REMEDY_OF_STATUS[status] ?? 'run `carrierarr doctor`; if all is well there, try again',
  });
};

const transient = (status: number): boolean => status === 429 || status >= 500;

const unexpected = (call: Call, error: z.ZodError): CommandError =>
  new CommandError(EXIT.failed, {
    what: `the API's answer to ${call.method} ${call.path} was not understood`,
    got: error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    remedy: 'the fleet was deployed by another version of Carrierarr: run `npx cdk deploy --all`',
    cause: error,
  });

const createSender = (settings: ApiSettings) => {
  const base = baseUrl(settings.url, settings.endpoint);
  const signer = new SignatureV4({
    service: 'execute-api',
    region: settings.region,
    credentials: settings.credentials,
    sha256: Sha256,
  });
  return async (call: Call): Promise<Response> => {
    const url = new URL(call.path, base);
    for (const [key, value] of Object.entries(call.query ?? {})) url.searchParams.set(key, value);
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const signed = await signer.sign({
      method: call.method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: call.query ?? {},
      headers: { host: url.host, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body }),
    });
    return fetch(url, {
      method: call.method,
      headers: signed.headers,
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
      ...(body === undefined ? {} : { body }),
    });
  };
};

const pause = (attempt: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS * attempt));

const createCaller = (settings: ApiSettings) => {
  const send = createSender(settings);
  const attempt = async <T extends z.ZodType>(call: Call, answer: T) => {
    const response = await send(call);
    const text = await response.text();
    if (!response.ok)
      throw Object.assign(problemError(response.status, text), { transient: transient(response.status) });
    const parsed = answer.safeParse(JSON.parse(text));
    if (!parsed.success) throw unexpected(call, parsed.error);
    return { status: response.status, data: parsed.data };
  };
  return async <T extends z.ZodType>(call: Call, answer: T) => {
    for (let tries = 1; ; tries++) {
      try {
        return await attempt(call, answer);
      } catch (error) {
        const passing = !(error instanceof CommandError) || ('transient' in error && error.transient === true);
        if (!call.repeatable || !passing || tries === ATTEMPTS) throw error;
        await pause(tries);
      }
    }
  };
};

const segment = (name: string): string => `workers/${encodeURIComponent(name)}`;

/** @throws CommandError with the API's own what, got, allowed and remedy */
export const createApi = (settings: ApiSettings): Api => {
  const call = createCaller(settings);
  return {
    async provision(body) {
      // Without a name each request is another worker.
      const repeatable = body.name !== undefined;
      const { status, data } = await call({ method: 'POST', path: 'workers', body, repeatable }, ProvisionAnswer);
      return { ...data, created: status === 202 };
    },
    async workers(all = false) {
      const query: Record<string, string> = all ? { all: 'true' } : {};
      return (await call({ method: 'GET', path: 'workers', query, repeatable: true }, WorkerList)).data.workers;
    },
    async worker(name) {
      return (await call({ method: 'GET', path: segment(name), repeatable: true }, WorkerView)).data;
    },
    async teardown(name, deregisterAmi) {
      const query: Record<string, string> = deregisterAmi ? { deregisterAmi: 'true' } : {};
      return (await call({ method: 'DELETE', path: segment(name), query, repeatable: true }, TeardownAnswer)).data;
    },
    async issueCertificate(body) {
      return (await call({ method: 'POST', path: 'certificates', body, repeatable: false }, IssuedCertificate)).data;
    },
    async certificates(name) {
      const query: Record<string, string> = name === undefined ? {} : { name };
      const { data } = await call({ method: 'GET', path: 'certificates', query, repeatable: true }, CertificateList);
      return data.certificates;
    },
  };
};
