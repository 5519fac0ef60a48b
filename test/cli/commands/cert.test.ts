import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HistoryEvent, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodePrivateKeyToPem, nodePublicKeyToPem } from '../../../lambda/identity/certificate/index.ts';
import { aCertificate, aProblem, aWorker, executionArn } from '../support/builders.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';

/** Made by nebula-cert 1.9.7: a CA for ten years and one certificate of it, valid from NODE_FROM for seven days. */
const GOLDEN = 'test/golden/cli';
const NODE = `${GOLDEN}/gpu-worker-001.crt`;
const CA = `${GOLDEN}/ca.crt`;
const DAY = 86_400;

let fleet: DeployedFleet;
let folder: string;
let from: number;
beforeEach(async () => {
  fleet = await deployedFleet();
  folder = await mkdtemp(join(tmpdir(), 'carrierarr-cert-'));
  const [, node] = (await readFile(`${GOLDEN}/bundle.json`, 'utf8')).trim().split('\n');
  const { details } = JSON.parse(node ?? '') as { details: { notBefore: string } };
  from = new Date(details.notBefore).getTime() / 1000;
});
afterEach(async () => {
  await fleet.close();
  await rm(folder, { recursive: true });
});

const offline = () => expect(fleet.cloudFormation.calls()).toHaveLength(0);

describe('cert show', () => {
  it('prints byte for byte what nebula-cert print -json prints', async () => {
    const { code, out } = await fleet.run(`cert show ${GOLDEN}/bundle.crt --json`);

    expect(code).toBe(0);
    expect(out).toBe(await readFile(`${GOLDEN}/bundle.json`, 'utf8'));
    offline();
  });

  it('shows a file to people', async () => {
    const { out } = await fleet.run(`cert show ${NODE}`);

    expect(out).toMatch(/^gpu-worker-001\n {2}kind +node\n {2}networks +10\.100\.2\.1\/16\n {2}groups +workers, aws\n/);
  });

  it('shows the newest certificate of a worker', async () => {
    const pem = await readFile(NODE, 'utf8');
    fleet.api.answer('GET /certificates?name=gpu-1', {
      status: 200,
      body: { certificates: [aCertificate({ pem }), aCertificate({ pem: 'older' })] },
    });

    expect((await fleet.run('cert show gpu-1')).out).toMatch(/^gpu-worker-001\n/);
  });

  it('ends with exit code 3 for a name without certificate, 2 for a file that is none', async () => {
    fleet.api.answer('GET /certificates?name=nobody', { status: 200, body: { certificates: [] } });

    expect((await fleet.run('cert show nobody')).code).toBe(3);
    expect((await fleet.run('cert show ./nothing.crt')).code).toBe(2);
    expect((await fleet.run('cert show package.json')).code).toBe(2);
  });
});

describe('cert verify', () => {
  it('accepts a certificate within its life, offline', async () => {
    const { code, out } = await fleet.run(`cert verify ${NODE} --ca ${CA} --at ${from + DAY}`);

    expect({ code, out }).toEqual({ code: 0, out: `${NODE}: valid (gpu-worker-001)\n` });
    offline();
  });

  it.each([
    ['after its life', CA, 8 * DAY, 'certificate is expired'],
    ['before its life', CA, -1, 'root certificate is expired'],
    ['under another CA', `${GOLDEN}/other.crt`, DAY, 'could not find ca for the certificate'],
    ['under what is no CA', NODE, DAY, 'is not a CA'],
  ])('refuses one %s with exit code 1 and the reason', async (_, ca, offset, reason) => {
    const { code, err } = await fleet.run(`cert verify ${NODE} --ca ${ca} --at ${from + offset}`);

    expect(code).toBe(1);
    expect(err).toContain(reason);
  });

  it('refuses a file that was tampered with', async () => {
    const file = join(folder, 'tampered.crt');
    const pem = await readFile(NODE, 'utf8');
    const lines = pem.split('\n');
    const bytes = Buffer.from(lines.slice(1, -2).join(''), 'base64');
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    await writeFile(file, `${lines[0]}\n${bytes.toString('base64')}\n${lines.at(-2)}\n`);

    const { code, err } = await fleet.run(['cert', 'verify', file, '--ca', CA, '--at', `${from + DAY}`]);

    expect(code).toBe(1);
    expect(err).toContain('certificate signature did not match');
  });

  it('gives the verdict to machines', async () => {
    const { code, out } = await fleet.run(`cert verify ${NODE} --ca ${CA} --at ${from + 8 * DAY} --json`);

    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ name: 'gpu-worker-001', ok: false, reason: 'certificate is expired' });
  });

  it.each(['--ca nowhere.crt', `--ca ${CA} --at tomorrow`, ''])('takes "%s" as wrong usage', async (options) => {
    expect((await fleet.run(`cert verify ${NODE} ${options}`)).code).toBe(2);
  });
});

describe('cert issue', () => {
  const publicKey = nodePublicKeyToPem(new Uint8Array(32).fill(7));
  const issued = { ...aCertificate({ name: 'laptop', pem: 'CERTIFICATE\n' }), ca: 'AUTHORITIES\n' };
  const inPub = () => join(folder, 'host.pub');
  beforeEach(async () => {
    await writeFile(inPub(), publicKey);
    fleet.api.answer('POST /certificates', { status: 201, body: issued });
  });

  it('sends the public key and prints the certificate', async () => {
    const { code, out } = await fleet.run(
      `cert issue laptop --in-pub ${inPub()} --address 10.100.3.1 --groups workers,,aws --days 2`,
    );

    expect({ code, out }).toEqual({ code: 0, out: 'CERTIFICATE\n' });
    expect(fleet.api.requests[0]?.body).toEqual({
      name: 'laptop',
      publicKey,
      address: '10.100.3.1',
      groups: ['workers', 'aws'],
      days: 2,
    });
  });

  it('writes certificate and CAs into files', async () => {
    const [out, ca] = [join(folder, 'host.crt'), join(folder, 'ca.crt')];

    await fleet.run(`cert issue laptop --in-pub ${inPub()} --out ${out} --out-ca ${ca}`);

    expect(await readFile(out, 'utf8')).toBe('CERTIFICATE\n');
    expect(await readFile(ca, 'utf8')).toBe('AUTHORITIES\n');
  });

  it('never sends a private key handed in by mistake', async () => {
    await writeFile(inPub(), nodePrivateKeyToPem(new Uint8Array(32).fill(9)));

    expect((await fleet.run(`cert issue laptop --in-pub ${inPub()}`)).code).toBe(2);
    expect(fleet.api.requests).toEqual([]);
  });

  it.each(['--days 0', '--days soon', '--address 10.100.3'])('takes "%s" as wrong usage', async (option) => {
    expect((await fleet.run(`cert issue laptop --in-pub ${inPub()} ${option}`)).code).toBe(2);
    expect(fleet.api.requests).toEqual([]);
  });

  it('reports a rule that the certificate would break', async () => {
    const body = aProblem({ status: 400, detail: 'group not allowed by the CA', remedy: 'ask for workers or aws' });
    fleet.api.answer('POST /certificates', { status: 400, body });

    const { code, err } = await fleet.run(`cert issue laptop --in-pub ${inPub()} --groups homelab`);

    expect(code).toBe(2);
    expect(err).toContain('group not allowed by the CA');
  });
});

describe('cert list', () => {
  it('lists what was issued', async () => {
    fleet.api.answer('GET /certificates', {
      status: 200,
      body: { certificates: [aCertificate({ status: 'revoked' })] },
    });

    const { out } = await fleet.run('cert list');

    expect(out.split('\n')[1]).toMatch(
      /^gpu-worker-a1b2 +10\.100\.2\.1 +workers,aws +revoked +in 7d +2026-11-21T12:00:00/,
    );
  });
});

describe('cert renew', () => {
  const execution = executionArn('renew', 'gpu-1-x');
  const history = [
    { type: 'ExecutionStarted' },
    { type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'RenewCertificate' } },
    { type: 'ExecutionSucceeded', executionSucceededEventDetails: { output: '{}' } },
  ].map((event, index) => ({ ...event, id: index + 1, timestamp: new Date(index) }) as HistoryEvent);

  it('starts the renew machine for one worker and follows it', async () => {
    fleet.api.answer('GET /workers/gpu-1', { status: 200, body: aWorker({ name: 'gpu-1' }) });
    fleet.sfn.on(StartExecutionCommand).resolves({ executionArn: execution, startDate: new Date(0) });
    fleet.history(execution, history);

    const { code, out } = await fleet.run('cert renew gpu-1');

    expect(code).toBe(0);
    expect(fleet.sfn.commandCalls(StartExecutionCommand)[0]?.args[0].input.input).toBe('{"names":["gpu-1"]}');
    expect(out).toMatch(/renewed gpu-1, until 2026-11-28/);
  });

  it('refuses a worker that is not in the mesh', async () => {
    fleet.api.answer('GET /workers/gpu-1', { status: 200, body: aWorker({ phase: 'LAUNCHING' }) });

    expect((await fleet.run('cert renew gpu-1')).code).toBe(4);
    expect(fleet.sfn.calls()).toHaveLength(0);
  });
});
