import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkLighthouse, checkTrust } from '../../../cli/doctor/check-mesh.ts';
import type { FleetOutputs } from '../../../cli/doors/outputs.ts';
import { fleetSettings } from '../support/builders.ts';

const trusting = (trustedCas: string[]) => {
  const settings = fleetSettings();
  return { ...settings, mesh: { ...settings.mesh, trustedCas } };
};
const outputs: FleetOutputs = {
  get: () => '',
  find: (key) => (key === 'trustStep' ? 'append it to pki.ca' : undefined),
  settings: fleetSettings,
};

describe('checkTrust', () => {
  it('fails on a trusted CA that has run out', async () => {
    const [finding] = await checkTrust(
      trusting([readFileSync('test/golden/cli/other.crt', 'utf8')]),
      outputs,
      new Date('2036-01-01T00:00:00Z'),
    );

    expect(finding).toMatchObject({ check: 'trusted CAs', status: 'fail', detail: 'expired: other' });
  });

  it('has nothing to ask for when the fleet signs with a CA that the homelab trusts already', async () => {
    const findings = await checkTrust(trusting([]), { ...outputs, find: () => undefined }, new Date());

    expect(findings.map(({ status }) => status)).toEqual(['ok']);
  });
});

describe('checkLighthouse', () => {
  it('tells where the name leads', async () => {
    const asked: string[] = [];

    const resolve = async (host: string): Promise<string> => {
      asked.push(host);
      return '203.0.113.9';
    };

    const findings = await checkLighthouse(fleetSettings(), resolve, false);

    expect(asked).toEqual(['nebula.example.org']);
    expect(findings).toMatchObject([{ status: 'ok', detail: 'nebula.example.org:4242 is 203.0.113.9' }]);
  });

  it('fails on a name that leads nowhere, except where the embedded cloud plays the lighthouse', async () => {
    const resolve = async (): Promise<string> => {
      throw new Error('ENOTFOUND');
    };

    expect(await checkLighthouse(fleetSettings(), resolve, false)).toMatchObject([{ status: 'fail' }]);
    expect(await checkLighthouse(fleetSettings(), resolve, true)).toMatchObject([{ status: 'ok' }]);
  });
});
