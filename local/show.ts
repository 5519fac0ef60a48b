import { type Column, CommandError, EXIT, formatAge, type Io, renderTable } from '../cli/index.ts';
import type { LocalOptions } from './commands.ts';
import { type KnownCloud, listClouds, readCloud } from './state-file.ts';

interface Globals {
  readonly json?: boolean;
}

/** Quoted for any shell of the Bourne family. */
const quote = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;

/** `carrierarr local env`. @throws CommandError (setup) when the cloud is not up */
export const showEnvironment = async ({ name }: LocalOptions, { json }: Globals, io: Io): Promise<void> => {
  const { state } = await readCloud(name);
  if (state === undefined) {
    throw new CommandError(EXIT.setup, {
      what: `embedded cloud ${name} is not up`,
      remedy: `start it with \`carrierarr local up --name ${name}\``,
    });
  }
  if (json === true) {
    io.out.write(`${JSON.stringify(state.environment)}\n`);
    return;
  }
  for (const [key, value] of Object.entries(state.environment)) io.out.write(`export ${key}=${quote(value)}\n`);
  // A profile of the user's would win over the variables in some SDKs.
  io.out.write('unset AWS_PROFILE AWS_SESSION_TOKEN\n');
};

const condition = ({ pid, state }: KnownCloud): string => {
  if (pid === undefined) return 'gone, logs kept';
  return state === undefined ? 'starting, or in the foreground' : 'up';
};

const columns = (now: Date): Column<KnownCloud>[] => [
  { title: 'NAME', value: ({ name }) => name, style: () => 'bold' },
  { title: 'STATE', value: condition, style: ({ state }) => (state === undefined ? 'yellow' : 'green') },
  { title: 'ENDPOINT', value: ({ state }) => state?.endpoint ?? '' },
  { title: 'PAGE', value: ({ state }) => state?.page ?? '' },
  { title: 'FLEET', value: ({ state }) => state?.fleet ?? '' },
  { title: 'NODES', value: ({ state }) => state?.nodes.kind ?? '' },
  { title: 'PROCESS', value: ({ pid }) => (pid === undefined ? '' : String(pid)) },
  {
    title: 'AGE',
    value: ({ state }) => (state === undefined ? '' : formatAge(now.getTime() - new Date(state.startedAt).getTime())),
  },
];

/** `carrierarr local status` */
export const showClouds = async ({ json }: Globals, io: Io): Promise<void> => {
  const clouds = await listClouds();
  if (json === true) io.out.write(`${JSON.stringify({ clouds })}\n`);
  else if (clouds.length === 0) io.out.write('There is no embedded cloud. Start one with: carrierarr local up\n');
  else io.out.write(renderTable(columns(io.now()), clouds, io.out));
};
