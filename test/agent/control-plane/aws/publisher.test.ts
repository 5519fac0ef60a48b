import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { createPublisher, type Publisher } from '../../../../agent/control-plane/aws/publisher.ts';
import { eventually } from '../../../support/eventually.ts';
import { aHolder } from '../../../support/x509.ts';
import { type Answer, aSession, fakeAws, type Received } from './support/fake-aws.ts';
import { aDead, anIdle } from './support/observations.ts';

const folder = mkdtempSync(join(tmpdir(), 'carrierarr-publisher-'));
const { certificate, key } = aHolder('carrierarr-control-plane');
writeFileSync(join(folder, 'tls.crt'), certificate);
writeFileSync(join(folder, 'tls.key'), key);
afterAll(() => rmSync(folder, { recursive: true }));

const environment = (endpoint: string) => ({
  CONTROL_PLANE_AWS_REGION: 'us-west-2',
  CONTROL_PLANE_AWS_BUS: 'carrierarr',
  CONTROL_PLANE_AWS_TRUST_ANCHOR_ARN: 'arn:aws:rolesanywhere:us-west-2:111122223333:trust-anchor/1',
  CONTROL_PLANE_AWS_PROFILE_ARN: 'arn:aws:rolesanywhere:us-west-2:111122223333:profile/2',
  CONTROL_PLANE_AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/carrierarr-control-plane-us-west-2',
  CONTROL_PLANE_AWS_CERT_FILE: join(folder, 'tls.crt'),
  CONTROL_PLANE_AWS_KEY_FILE: join(folder, 'tls.key'),
  AWS_ENDPOINT_URL: endpoint,
});

let aws: Awaited<ReturnType<typeof fakeAws>> | undefined;
let publisher: Publisher | undefined;
afterEach(async () => {
  await publisher?.close();
  await aws?.close();
  aws = undefined;
  publisher = undefined;
});

const bus = ({ body }: Received): Answer => ({
  status: 200,
  body: { FailedEntryCount: 0, Entries: JSON.parse(body).Entries.map(() => ({ EventId: 'e' })) },
});
const isSession = ({ path }: Received): boolean => path === '/sessions';

const publish = async (answer: (received: Received) => Answer) => {
  const lines: string[] = [];
  aws = await fakeAws(answer);
  publisher = createPublisher(
    environment(aws.url),
    (level, event, facts) => lines.push(`${level} ${event} ${JSON.stringify(facts)}`),
    new Registry(),
  );
  return {
    lines,
    observe: (...all: Parameters<Publisher['observe']>[0][]) => {
      for (const one of all) publisher?.observe(one);
    },
  };
};
const puts = () => (aws?.received ?? []).filter((one) => !isSession(one));

describe('the publisher', () => {
  it('puts observations on the bus, with the session’s credentials', async () => {
    const { lines, observe } = await publish((one) => (isSession(one) ? aSession() : bus(one)));

    observe(anIdle(), aDead({ worker: 'gpu-2' }));
    await eventually(() => expect(puts()).toHaveLength(1));
    const [put] = puts();

    expect(JSON.parse(put?.body ?? '').Entries).toMatchObject([
      { EventBusName: 'carrierarr', Source: 'carrierarr.homelab', DetailType: 'Worker Idle' },
      { EventBusName: 'carrierarr', Source: 'carrierarr.homelab', DetailType: 'Worker Dead' },
    ]);
    expect(put?.headers.authorization).toContain('Credential=ASIAEXAMPLE/');
    expect(put?.headers['x-amz-security-token']).toBe('a-session-token');
    expect(aws?.received.filter(isSession)).toHaveLength(1);
    expect(lines.join()).toMatch(/info aws-on .*info aws-session/);
    expect(lines.join()).not.toMatch(/a-secret-key|a-session-token|certificate-ends/);
  });

  it('says at its start that the identity is refused, and what to do', async () => {
    const { lines } = await publish(() => ({ status: 403, body: { message: 'Untrusted certificate' } }));

    await eventually(() => expect(lines.join()).toContain('warn aws-no-session'));

    expect(lines.join()).toContain('homelab.controlPlane.trustAnchor');
  });

  it('neither throws nor blocks while AWS is away, says once that it overflows, and ends in time', async () => {
    const { lines, observe } = await publish(() => ({ status: 503, body: '' }));
    for (let worker = 0; worker < 3_500; worker += 1) observe(anIdle({ worker: `gpu-${worker}` }));

    // It gives up after five seconds; the limit of this test is the proof.
    await publisher?.close();

    expect(lines.filter((line) => line.includes('aws-dropped'))).toHaveLength(1);
  }, 20_000);

  it('tells at its end what still waits', async () => {
    const { observe } = await publish((one) => (isSession(one) ? aSession() : bus(one)));

    observe(anIdle());
    await publisher?.close();

    expect(puts()).toHaveLength(1);
  });
});

describe('a certificate that ends within a month', () => {
  it('is told of at every session, with what to do', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 40 * 86_400_000 });
    try {
      const { lines } = await publish((one) => (isSession(one) ? aSession() : bus(one)));

      await eventually(() => expect(lines.join()).toContain('aws-session'));

      expect(lines.join()).toMatch(/warn aws-certificate-ends .*homelab certificate --renew/);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('its configuration', () => {
  const make = (given: NodeJS.ProcessEnv) => {
    const lines: string[] = [];
    const made = createPublisher(given, (level, event) => lines.push(`${level} ${event}`), new Registry());
    return { made, lines };
  };

  it('may be absent: then nothing is told, and the log says so', () => {
    expect(make({ PATH: '/bin', CONTROL_PLANE_AWS_REGION: '', CONTROL_PLANE_AWS_CERT_FILE: '/tls.crt' })).toEqual({
      made: undefined,
      lines: ['info aws-off'],
    });
  });

  it('is refused in part, every fault at once', () => {
    const { CONTROL_PLANE_AWS_BUS: _, ...rest } = environment('http://127.0.0.1:9');

    expect(() => make({ ...rest, CONTROL_PLANE_AWS_ROLE_ARN: 'carrierarr-control-plane' })).toThrow(
      /CONTROL_PLANE_AWS_BUS: .*CONTROL_PLANE_AWS_ROLE_ARN: the ARN of a role/,
    );
  });
});
