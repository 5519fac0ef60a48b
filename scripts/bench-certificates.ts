/**
 * Certificates per second: made in process against `nebula-cert sign` spawned for each. Both sides do the same job:
 * read CA and key from files, make a key pair, sign, and write certificate and key; ours verifies its signature as well.
 * Rounds alternate, so that whatever else the machine does hits both sides alike.
 *
 *   node scripts/bench-certificates.ts [rounds] [certificates a round]
 *
 * The program is the one NEBULA_CERT_BIN names, or `nebula-cert` on PATH.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  caPrivateKeyFromPem,
  certificateToPem,
  generateNodeKeyPair,
  nodePrivateKeyToPem,
  parseNetwork,
} from '../lambda/identity/certificate/index.ts';
import { createIssuer, type Issuer } from '../lambda/identity/issuer.ts';
import { createKeySigner } from '../lambda/identity/key-signer.ts';
import { signCertificate } from '../lambda/identity/sign-certificate.ts';

const nebulaCert = process.env.NEBULA_CERT_BIN ?? 'nebula-cert';
const rounds = Number(process.argv[2] ?? 10);
const perRound = Number(process.argv[3] ?? 100);
const directory = mkdtempSync(join(tmpdir(), 'carrierarr-bench-'));
const file = (name: string): string => join(directory, name);
const MESH = { cidr: '10.100.0.0/16', lighthouseAddress: '10.100.0.1', trustedCas: [] };

const loadIssuer = (): Issuer =>
  createIssuer(
    createKeySigner(caPrivateKeyFromPem(readFileSync(file('ca.key'), 'utf8'))),
    readFileSync(file('ca.crt'), 'utf8'),
    MESH,
  );

const network = parseNetwork('10.100.2.1/16');
if (network === undefined) throw new Error('the benchmark names a bad network');

const signOnce = async (issuer: Issuer): Promise<void> => {
  const pair = generateNodeKeyPair();
  const order = { name: 'gpu-worker-001', network, groups: ['workers', 'aws'], days: 7, force: false };
  const certificate = await signCertificate(issuer, { ...order, publicKey: pair.publicKey }, new Date());
  writeFileSync(file('ours.crt'), certificateToPem(certificate));
  writeFileSync(file('ours.key'), nodePrivateKeyToPem(pair.privateKey), { mode: 0o600 });
};

const spawnOnce = (): void => {
  for (const name of ['theirs.crt', 'theirs.key']) rmSync(file(name), { force: true });
  const words = ['-name', 'gpu-worker-001', '-ip', '10.100.2.1/16', '-groups', 'workers,aws', '-duration', '168h'];
  const files = ['-ca-crt', 'ca.crt', '-ca-key', 'ca.key', '-out-crt', 'theirs.crt', '-out-key', 'theirs.key'];
  execFileSync(nebulaCert, ['sign', ...words, ...files], { cwd: directory, stdio: 'ignore' });
};

const perSecond = async (work: () => Promise<void> | void): Promise<number> => {
  const start = performance.now();
  for (let made = 0; made < perRound; made += 1) await work();
  return (perRound * 1000) / (performance.now() - start);
};

const summary = (values: readonly number[]): string => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(0).padStart(7);
  return `${at(0.5)} ${at(0)} ${at(1)}`;
};

const measure = async (): Promise<void> => {
  execFileSync(nebulaCert, ['ca', '-name', 'bench', '-groups', 'workers,aws'], { cwd: directory, stdio: 'ignore' });
  const kept = loadIssuer();
  const sides = {
    'in process, CA read each time': () => signOnce(loadIssuer()),
    'in process, CA kept': () => signOnce(kept),
    'nebula-cert sign, spawned': spawnOnce,
  };
  const rates = new Map<string, number[]>(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, work] of Object.entries(sides)) {
      const rate = await perSecond(work);
      // The first round warms up.
      if (round > 0) rates.get(name)?.push(rate);
    }
  }
  console.log(`Node ${process.version}, ${nebulaCert}, ${rounds} rounds of ${perRound}; certificates per second`);
  console.log(`${''.padEnd(32)}  median     min     max`);
  for (const [name, values] of rates) console.log(`${name.padEnd(32)} ${summary(values)}`);
};

try {
  await measure();
} finally {
  rmSync(directory, { recursive: true });
}
