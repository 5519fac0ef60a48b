import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/**
 * Stands in for amazon-ssm-agent: takes the flags of agent/agent_parser.go and no others, forgets its registration
 * before it asks for a new one, and accepts an activation once.
 */
const AGENT = `#!/usr/bin/env bash
set -euo pipefail
echo "agent $*" >>"$SSM_STATE_DIRECTORY/../calls"
[[ $# -gt 0 ]] || { echo running; exit 0; }
code='' id='' register='' fingerprint=''
while [[ $# -gt 0 ]]; do
  case $1 in
    -register) register=1 ;;
    -fingerprint) fingerprint=1 ;;
    -y) ;;
    -code) code=$2; shift ;;
    -id) id=$2; shift ;;
    -region | -similarityThreshold) shift ;;
    *) echo "flag provided but not defined: $1" >&2; exit 2 ;;
  esac
  shift
done
[[ -z $fingerprint ]] || exit 0
[[ -n $register && -n $code && -n $id ]] || exit 1
spent=$SSM_STATE_DIRECTORY/../spent-$id
[[ ! -e $spent && $code == right ]] || { echo 'Registration failed due to InvalidActivation' >&2; exit 1; }
touch "$spent"
echo "{\\"ManagedInstanceID\\":\\"mi-$id\\",\\"Region\\":\\"us-west-2\\"}" >"$SSM_STATE_DIRECTORY/registration"
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carrierarr-ssm-node-'));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'activation'));
  writeFileSync(join(folder, 'bin', 'amazon-ssm-agent'), AGENT);
  chmodSync(join(folder, 'bin', 'amazon-ssm-agent'), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

const environment = () => ({
  PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
  SSM_STATE_DIRECTORY: join(folder, 'state'),
  SSM_ACTIVATION_DIRECTORY: join(folder, 'activation'),
  SSM_ACTIVATION_POLL_SECONDS: '0.05',
});

const activate = (id: string, code = 'right'): void => {
  for (const [name, text] of Object.entries({ id, code, region: 'us-west-2' }))
    writeFileSync(join(folder, 'activation', name), text);
};
const forgetSecret = (): void => {
  rmSync(join(folder, 'activation'), { recursive: true });
};

/** One life of the container. */
const start = () => {
  const { status, stdout, stderr } = spawnSync('homelab/ssm-node/entrypoint.sh', {
    env: environment(),
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, output: stdout + stderr };
};

const calls = (): string[] =>
  readFileSync(join(folder, 'calls'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim());
const state = (name: string): string => readFileSync(join(folder, 'state', name), 'utf8').trim();
const REGISTER = (id: string) => `agent -register -y -code right -id ${id} -region us-west-2`;
const FINGERPRINT = 'agent -fingerprint -similarityThreshold -1';
const RUN = 'agent';

describe("the homelab's node in a pod", () => {
  it('registers once, whatever number of times it starts, and says nothing of the code', () => {
    activate('a1');

    const lives = [start(), start(), start()];

    expect(lives.map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(calls()).toEqual([REGISTER('a1'), FINGERPRINT, RUN, RUN, RUN]);
    expect(lives.map(({ output }) => output).join('')).not.toContain('right');
  });

  it('keeps its machine-id and its registration when the Secret is gone', () => {
    activate('a1');
    start();
    const machineId = state('machine-id');
    forgetSecret();

    expect(start().status).toBe(0);

    expect(machineId).toMatch(/^[0-9a-f]{32}$/);
    expect(state('machine-id')).toBe(machineId);
    expect(state('registration')).toContain('mi-a1');
  });

  it('waits for a Secret that comes late', async () => {
    const child = spawn('homelab/ssm-node/entrypoint.sh', { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    const waiting = new Promise<string>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(`${chunk}`)));

    expect(await waiting).toContain('waiting for the Secret carrierarr-ssm/ssm-activation');
    activate('a1');

    expect(await exited).toBe(0);
    expect(state('registration')).toContain('mi-a1');
  });

  it('registers anew with another activation, and only then', () => {
    activate('a1');
    start();
    activate('a2');

    expect(start().status).toBe(0);

    expect(state('registration')).toContain('mi-a2');
    expect(state('carrierarr-activation')).toBe('a2');
  });

  it('says what to do when the activation is not accepted, and does not take the old registration for a new one', () => {
    activate('a1');
    start();
    activate('a2', 'wrong');

    const { status, output } = start();

    expect(status).toBe(1);
    expect(output).toContain('activation a2 may be used up, expired or deleted');
    expect(output).toContain('carrierarr homelab activate --replace');
    expect(existsSync(join(folder, 'state', 'registration'))).toBe(false);
  });

  it('does not use an activation up twice when it was killed right after registering', () => {
    activate('a1');
    start();
    rmSync(join(folder, 'state', 'carrierarr-activation'));

    expect(start().status).toBe(0);

    expect(state('carrierarr-activation')).toBe('a1');
    expect(calls().filter((line) => line.includes('-register'))).toHaveLength(1);
  });
});
