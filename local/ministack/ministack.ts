import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ServiceUnavailableError } from '#shared/errors.ts';
import { projectDirectory } from '../paths.ts';
import { dummyAws, inheritedEnvironment } from '../process/environment.ts';
import { logTail, type Supervisor } from '../process/supervisor.ts';

export interface MinistackOptions {
  readonly python: string;
  readonly port: number;
  readonly region: string;
  readonly accountId: string;
  /** What the Lambdas it runs use as AWS. */
  readonly endpoint: string;
  /** Everything it keeps lies below. */
  readonly directory: string;
  readonly supervisor: Supervisor;
  readonly logFile: string;
  /** Factor on the seconds of Wait states. */
  readonly waitScale: number;
  readonly signal?: AbortSignal | undefined;
}

/** MiniStack with the repairs the fleet's behaviour depends on. */
const LAUNCHER = join(import.meta.dirname, 'launcher.py');
const READY_MS = 30_000;
const POLL_MS = 50;

const environment = (options: MinistackOptions): Record<string, string> => {
  const { directory, region, port } = options;
  // The project's Node comes first: the Lambdas run on the version they are deployed for.
  const path = [join(projectDirectory, 'node_modules', '.bin'), dirname(process.execPath), process.env.PATH ?? ''];
  return inheritedEnvironment({
    ...dummyAws(options.endpoint, region),
    PATH: path.join(':'),
    TMPDIR: join(directory, 'tmp'),
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    MINISTACK_REGION: region,
    MINISTACK_ACCOUNT_ID: options.accountId,
    S3_DATA_DIR: join(directory, 's3'),
    STATE_DIR: join(directory, 'state'),
    PERSIST_STATE: '0',
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    LAMBDA_EXECUTOR: 'local',
    SFN_WAIT_SCALE: String(options.waitScale),
    PYTHONUNBUFFERED: '1',
    DOCKER_HOST: 'unix:///dev/null',
  });
};

const isHealthy = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/_ministack/health`)).ok;
  } catch {
    return false;
  }
};

/**
 * The emulator unpacks Lambdas below its TMPDIR and runs them through a CommonJS script of its own there, which would be
 * taken for a module by the nearest package.json above it, that of this project. (Being inside the project has a good
 * side too: the CDK's own provider function finds the SDK that Lambda's runtime brings.)
 */
const prepareDirectory = async (directory: string): Promise<void> => {
  await Promise.all(['tmp', 's3', 'state'].map((part) => mkdir(join(directory, part), { recursive: true })));
  await writeFile(join(directory, 'tmp', 'package.json'), JSON.stringify({ type: 'commonjs' }));
};

/**
 * Starts the emulator on the loopback interface and waits until it answers. Returns its address.
 * @throws ServiceUnavailableError when it ends or does not answer within 30 s
 */
export const startMinistack = async (options: MinistackOptions): Promise<string> => {
  const { supervisor, logFile, signal, directory } = options;
  await prepareDirectory(directory);
  const url = `http://127.0.0.1:${options.port}`;
  const { exited } = supervisor.start({
    name: 'MiniStack',
    command: options.python,
    args: [LAUNCHER],
    env: environment(options),
    cwd: directory,
    logFile,
    expendable: true,
  });
  let ended: string | undefined;
  exited.then(
    (outcome) => (ended = String(outcome)),
    (error: unknown) => (ended = String(error)),
  );
  const deadline = Date.now() + READY_MS;
  while (!(await isHealthy(url))) {
    signal?.throwIfAborted();
    if (ended !== undefined || Date.now() > deadline) {
      throw new ServiceUnavailableError({
        what: 'the emulator did not start',
        got: `${ended === undefined ? 'no answer within 30 s' : `exit ${ended}`}\n${await logTail(logFile)}\n`,
        remedy: `read the log ${logFile}`,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return url;
};
