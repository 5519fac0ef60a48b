import { describe, expect, it } from 'vitest';
import { callOf, die, EVERYTHING, MESH_WITHOUT_LIQO, parametersOf, stepsOf, WITHOUT_LIQO } from './support/lives.ts';
import { FENCED_GPU_WORKER, FENCED_LIGHTHOUSE } from './support/replies.ts';

describe('a teardown', () => {
  it('of a lighthouse unpeers, forgets and then terminates', async () => {
    const walked = await die({ fenced: FENCED_LIGHTHOUSE });

    expect(stepsOf(walked)).toEqual([
      'make-peering-user',
      'homelab-unpeer',
      'delete-peering-user',
      'homelab-forget-cluster',
    ]);
    expect(callOf(walked, 'UnpeerOpen').payload).toMatchObject({
      writer: 'arn:aws:ec2:us-west-2:111122223333:instance/i-0123456789abcdef0',
    });
    expect(walked.states.indexOf('UnpeerClose')).toBeLessThan(walked.states.indexOf('RevokeIdentity'));
    expect(walked.output).toMatchObject({ outcome: 'fenced', skipped: [] });
  });

  it('of a gpu-worker drains its node from the cluster’s server', async () => {
    const walked = await die({ fenced: FENCED_GPU_WORKER });

    expect(stepsOf(walked)).toEqual(['leave-cluster']);
    expect(callOf(walked, 'DrainNode').payload).toMatchObject({ instanceId: 'i-0fedcba9876543210', name: 'w1' });
    expect(parametersOf(walked, 'DrainNode').NodeName).toBe('carrierarr-w1');
  });

  it('of a worker that never got so far asks nobody', async () => {
    expect(stepsOf(await die({}))).toEqual([]);
    expect(stepsOf(await die({ fenced: { ...FENCED_GPU_WORKER, serverInstanceId: '' } }))).toEqual([]);
  });

  it('takes back both open commands first', async () => {
    const fenced = { ...FENCED_LIGHTHOUSE, commandId: 'c1', homelabInstanceId: 'mi-1', homelabCommandId: 'c2' };
    const { calls } = await die({ fenced });

    expect(calls.slice(1, 3).map(({ capability, payload }) => [capability, payload.commandId])).toEqual([
      ['run-command', 'c1'],
      ['homelab', 'c2'],
    ]);
  });

  it.each(['UnpeerOpen', 'UnpeerUser', 'UnpeerUserPoll', 'UnpeerClusters', 'UnpeerClustersPoll'])(
    'unpeers by force where %s fails',
    async (state) => {
      const walked = await die({ fenced: FENCED_LIGHTHOUSE, failing: { [state]: 'StepFailedError' } });

      expect(parametersOf(walked, 'ForceUnpeer')).toMatchObject({ ProviderClusterId: 'aws-k3s', SecretId: '' });
      expect(callOf(walked, 'ForceUnpeer').payload.run).toBe('force');
      expect(walked.states).toContain('UnpeerForget');
      expect(walked.output).toMatchObject({
        skipped: [{ step: state, error: 'StepFailedError', cause: 'on purpose' }],
      });
    },
  );

  it('unpeers by force where the instance is gone', async () => {
    expect(stepsOf(await die({ fenced: { ...FENCED_LIGHTHOUSE, instanceId: '' } }))).toEqual([
      'homelab-unpeer',
      'homelab-forget-cluster',
    ]);
  });

  it('says what is left to do where the homelab is offline', async () => {
    const walked = await die({ fenced: FENCED_LIGHTHOUSE, homelab: false });

    expect(stepsOf(walked)).toEqual([]);
    expect(walked.states).toContain('UnpeerClose');
    expect(walked.output).toMatchObject({
      skipped: [{ error: 'HomelabOfflineError', cause: expect.stringContaining('liqoctl force unpeer aws-k3s') }],
    });
  });

  it('terminates whatever fails before', async () => {
    const walked = await die({ fenced: FENCED_LIGHTHOUSE });
    const before = walked.calls.slice(
      1,
      walked.calls.findIndex(({ state }) => state === 'TerminateInstance'),
    );
    const failing = Object.fromEntries(
      [...before.map(({ state }) => state), 'ForceUnpeer', 'ForceUnpeerPoll'].map((state) => [state, 'States.Timeout']),
    );
    for (const state of Object.keys(failing)) {
      const alone = await die({ fenced: FENCED_LIGHTHOUSE, failing: { [state]: 'States.DataLimitExceeded' } });

      expect(alone.states, state).toContain('MarkRemoved');
    }
    expect((await die({ fenced: FENCED_LIGHTHOUSE, failing })).states).toContain('MarkRemoved');
  });

  it('asks only the homelab where Liqo has been turned off since', async () => {
    expect(stepsOf(await die({ fenced: FENCED_LIGHTHOUSE }, WITHOUT_LIQO))).toEqual([
      'homelab-unpeer',
      'homelab-forget-cluster',
    ]);
    const offline = await die({ fenced: FENCED_LIGHTHOUSE, homelab: false }, WITHOUT_LIQO);

    expect(offline.output).toMatchObject({ skipped: [] });
  });

  it('takes a cluster out of ClusterMesh where Liqo was never on', async () => {
    expect(stepsOf(await die({ fenced: FENCED_LIGHTHOUSE }, MESH_WITHOUT_LIQO))).toContain('homelab-forget-cluster');
    const offline = await die({ fenced: FENCED_LIGHTHOUSE, homelab: false }, MESH_WITHOUT_LIQO);

    expect(JSON.stringify(offline.output)).toMatch(/out of the values of Cilium: clustermesh\.config\.clusters there/);
    expect(JSON.stringify(offline.output)).not.toContain('liqoctl');
  });

  it('undoes both directions where both were peered', async () => {
    expect(stepsOf(await die({ fenced: FENCED_LIGHTHOUSE }, EVERYTHING))).toEqual([
      'homelab-make-peering-user',
      'unpeer',
      'make-peering-user',
      'homelab-unpeer',
      'delete-peering-user',
      'homelab-forget-cluster',
    ]);
  });
});
