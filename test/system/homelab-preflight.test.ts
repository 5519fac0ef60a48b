import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fault, faultsOf, notesOf, preflightOn, rules } from '../ssm/checks/preflight.ts';
import { type Case, CILIUM, DOOR, LIGHTHOUSE, LIQO, RANGES, RIGHTS } from '../ssm/checks/preflight-cases.ts';
import { NodeSandbox, sandboxObstacle } from '../ssm/node-sandbox.ts';
import type { StepOutcome } from '../ssm/run-step.ts';

interface Round {
  readonly name: string;
  readonly cases: readonly Case[];
  readonly colour?: boolean;
}

/** One run each: the preflight names everything at once, so cases that touch different things share a run. */
const ROUNDS: readonly Round[] = [
  {
    name: 'a sound homelab of another make, in colour',
    cases: [CILIUM.poolInside, LIGHTHOUSE.otherwise, LIQO.sameOtherwise],
    colour: true,
  },
  { name: 'a sound homelab with less in it', cases: [CILIUM.none, LIGHTHOUSE.inline, DOOR.unused, LIQO.upgrade] },
  {
    name: 'a faulty homelab without Liqo',
    cases: [RIGHTS.installer, CILIUM.devices, RANGES.vpcPods, RANGES.workerAddress, LIGHTHOUSE.stranger, DOOR.silent],
  },
  {
    name: 'a faulty homelab with the right Liqo',
    cases: [
      RIGHTS.operator,
      CILIUM.hostRouting,
      RANGES.vpcServices,
      RANGES.pods,
      LIGHTHOUSE.noConfiguration,
      DOOR.open,
      LIQO.same,
    ],
  },
  {
    name: 'a faulty homelab with an old Liqo',
    cases: [CILIUM.mtu, RANGES.vpcNode, LIGHTHOUSE.noDeployment, DOOR.absent, LIQO.older],
  },
  {
    name: "a faulty homelab with somebody else's Liqo",
    cases: [CILIUM.apart, RANGES.meshPods, LIGHTHOUSE.noYaml, DOOR.notUp, LIQO.stranger],
  },
  {
    name: 'a faulty homelab with a silent Liqo',
    cases: [CILIUM.forbidden, RANGES.meshServices, LIGHTHOUSE.empty, DOOR.noNamespace, LIQO.silent],
  },
  {
    name: 'a homelab with faults and notes',
    cases: [CILIUM.poolOutside, RANGES.services, LIGHTHOUSE.unreadable, DOOR.unprivileged],
  },
];

/** Everything that the cases change; two that change the same thing would hide each other. */
const together = <T>(records: readonly (Readonly<Record<string, T>> | undefined)[]): Record<string, T> => {
  const entries = records.flatMap((record) => Object.entries(record ?? {}));
  const names = entries.map(([name]) => name);
  if (new Set(names).size < names.length) throw new Error(`two cases of one run change the same: ${names.join(', ')}`);
  return Object.fromEntries(entries);
};

const holding = (fault: Readonly<Partial<Record<keyof Fault, string>>>) =>
  expect.objectContaining(
    Object.fromEntries(Object.entries(fault).map(([key, words]) => [key, expect.stringContaining(words)])),
  );

describe.skipIf(sandboxObstacle !== undefined)('preflight of the homelab', () => {
  let node: NodeSandbox;
  beforeAll(async () => {
    node = await NodeSandbox.start();
  });
  afterAll(() => node.close());

  const preflight = preflightOn(() => node);

  it('finds nothing where docs/homelab.md was followed, and changes nothing', async () => {
    const outcome = await preflight();

    expect(outcome.verdict).toMatchObject({ ok: true, rc: 0, faults: [] });
    expect(notesOf(outcome)).toEqual([{ check: 'ranges', text: expect.stringContaining('10.100.0.0/16 lies inside') }]);
    const calls = (await node.read('/run/world/calls')).split('\n').filter((line) => line !== '');
    expect(calls.filter((line) => !/(^| )(get|auth can-i|annotate --local)( |$)/.test(line))).toEqual([]);
  });

  it('names every fault at once, each with its remedy, and fits into what Systems Manager keeps', async () => {
    const outcome = await preflight(
      {
        ...rules(),
        'daemonset/kube-system/cilium': { spec: { template: { spec: {} } } },
        'configmap/kube-system/cilium-config': {
          data: { mtu: '1200', 'kube-proxy-replacement': 'true', 'enable-bpf-masquerade': 'true' },
        },
        'configmap/nebula/nebula-ca': { data: { 'ca.crt': '' } },
        'deployment/carrierarr-mesh/mesh-door': undefined,
      },
      { Provides: 'true', ForeignCidrs: '10.244.0.0/16', MeshCidr: '10.110.0.0/14' },
    );

    expect(outcome.code).toBe(1);
    expect([...new Set(faultsOf(outcome).map(({ check }) => check))].sort()).toEqual([
      'api-certificate',
      'cilium-affinity',
      'cilium-devices',
      'cilium-host-routing',
      'cilium-mtu',
      'lighthouse-50051',
      'lighthouse-6443',
      'lighthouse-trust',
      'mesh-door',
      'ranges',
    ]);
    expect(faultsOf(outcome).filter(({ what, remedy }) => what === '' || remedy === '')).toEqual([]);
    expect(outcome.stdout.length).toBeLessThan(24_000);
    expect(outcome.verdict.reason).toMatch(/^\d+ faults: cilium-affinity: /);
  });

  it('says that the API server does not answer, and looks no further', async () => {
    // It looks as often as ever, without the pauses.
    await node.stub('sleep', 'exit 0');
    const outcome = await preflight({}, {}, { down: true });
    await node.shell('rm /run/stubs/sleep');

    expect(outcome.verdict.reason).toMatch(/did not answer|was refused/);
  });

  describe.each(ROUNDS)('in $name', ({ cases, colour = false }) => {
    let outcome: StepOutcome;
    beforeAll(async () => {
      const liqoctl = cases.flatMap((each) => each.liqoctl ?? []);
      await node.stub('liqoctl', liqoctl.join('\n'));
      outcome = await preflight(
        together(cases.map(({ objects }) => objects)),
        together(cases.map(({ parameters }) => parameters)),
        {
          denied: cases.flatMap(({ denied = [] }) => denied),
          sans: cases.flatMap(({ sans = [] }) => sans),
          colour,
        },
        cases.find(({ door }) => door !== undefined)?.door,
      );
    });

    it.each(cases)('judges that $name', ({ faults = [], notes = [] }) => {
      for (const fault of faults) expect(faultsOf(outcome)).toContainEqual(holding(fault));
      for (const { check, text } of notes) {
        expect(notesOf(outcome)).toContainEqual({ check, text: expect.stringContaining(text) });
      }
    });

    it('finds no other fault', () => {
      const faults = cases.flatMap((each) => each.faults ?? []);

      expect(faultsOf(outcome)).toHaveLength(faults.length);
      expect(outcome.verdict.ok).toBe(faults.length === 0);
    });
  });
});
