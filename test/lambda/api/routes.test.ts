import { describe, expect, it } from 'vitest';
import { ProvisionAnswer, TeardownAnswer, WorkerList, WorkerView } from '#contract';
import { workerRoutes } from '../../../lambda/api/routes.ts';
import { proxyHandler } from '../../../lambda/shared/proxy.ts';
import { createMemoryDoors, createMemoryLog } from '../../fake/doors.ts';
import { aProxyEvent, bodyOf, type ProxyEventOverrides, problemOf } from '../../fake/proxy-event.ts';
import { aReservedLife, executionArn, launchFacts, TEARDOWN_MACHINE } from '../../fake/registry-builders.ts';

const NAME = 'gpu-worker-001';
const HOLDER = executionArn('holder', TEARDOWN_MACHINE);

const setUp = () => {
  const doors = createMemoryDoors();
  const handler = proxyHandler(workerRoutes(doors), createMemoryLog());
  const call = (method: string, path: string, overrides: ProxyEventOverrides = {}) =>
    handler(aProxyEvent(method, path, overrides));
  const post = (body: unknown) => call('POST', '/workers', { body: JSON.stringify(body) });
  const remove = async (name: string) => {
    const { row } = await doors.registry.fence({ name, generation: undefined }, HOLDER, 600);
    await doors.registry.markRemoved({ name, generation: row?.generation ?? '' }, HOLDER);
  };
  return { doors, call, post, remove };
};

describe('POST /workers', () => {
  it('answers 202 with name, address and execution, and where the worker can be seen', async () => {
    const { doors, post } = setUp();

    const result = await post({ name: NAME });

    const answer = ProvisionAnswer.parse(bodyOf(result));
    expect([result.statusCode, result.headers.location]).toEqual([202, `workers/${NAME}`]);
    expect(answer).toMatchObject({ name: NAME, address: '10.100.2.1' });
    expect([...doors.executions.started.keys()]).toEqual([answer.execution]);
  });

  it('answers 200 with the same worker for the same again', async () => {
    const { post } = setUp();
    const first = await post({ name: NAME });

    const again = await post({ name: NAME });

    expect([again.statusCode, bodyOf(again)]).toEqual([200, bodyOf(first)]);
  });

  it('answers 409 where the name exists with other parameters', async () => {
    const { post } = setUp();
    await post({ name: NAME });

    const result = await post({ name: NAME, instanceType: 'g5.xlarge' });

    expect(result.statusCode).toBe(409);
    expect(problemOf(result)).toMatchObject({ type: 'urn:carrierarr:problem:name-conflict' });
  });

  it('answers 409 where the address is taken', async () => {
    const { post } = setUp();
    await post({ name: NAME, nebulaIp: '10.100.2.9' });

    const result = await post({ name: 'other', nebulaIp: '10.100.2.9' });

    expect(result.statusCode).toBe(409);
    expect(problemOf(result).faults[0]).toMatchObject({ got: `10.100.2.9, held by ${NAME}` });
  });

  it('answers 409 where the cluster has its server, and takes another cluster', async () => {
    const { doors, post } = setUp();
    await post({ name: 'lh-1', role: 'lighthouse' });

    const second = await post({ name: 'lh-2', role: 'lighthouse' });
    const elsewhere = await post({ name: 'lh-2', role: 'lighthouse', cluster: 'other' });

    expect([second.statusCode, elsewhere.statusCode]).toEqual([409, 202]);
    expect(problemOf(second)).toMatchObject({
      type: 'urn:carrierarr:problem:cluster-conflict',
      faults: [{ got: 'lh-1, in phase RESERVED' }],
      remedy: expect.stringContaining('tear lh-1 down'),
    });
    expect((await doors.registry.find('lh-2'))?.cluster).toBe('other');
  });

  it('answers 400 where the cluster’s name is none', async () => {
    const { post } = setUp();

    const result = await post({ role: 'lighthouse', cluster: 'AWS K3s' });

    expect(result.statusCode).toBe(400);
    expect(problemOf(result).faults).toMatchObject([{ field: 'cluster' }]);
  });

  it('answers 400 with every fault of the body at once', async () => {
    const { post } = setUp();

    const result = await post({ name: 'GPU 1', role: 'gpu', market: 'free', extra: 1 });

    expect(result.statusCode).toBe(400);
    expect(
      problemOf(result)
        .faults.map(({ field }) => field)
        .sort(),
    ).toEqual(['extra', 'market', 'name', 'role']);
  });
});

describe('GET /workers', () => {
  it('lists the fleet without those removed, unless all are asked for', async () => {
    const { call, post, remove } = setUp();
    for (const name of ['c', 'a', 'b']) await post({ name });
    await remove('b');

    const present = WorkerList.parse(bodyOf(await call('GET', '/workers')));
    const all = WorkerList.parse(bodyOf(await call('GET', '/workers', { queryStringParameters: { all: 'true' } })));

    expect(present.workers.map(({ name }) => name)).toEqual(['a', 'c']);
    expect(all.workers.map(({ name, phase }) => `${name} ${phase}`)).toEqual(['a RESERVED', 'b REMOVED', 'c RESERVED']);
  });

  it('answers 400 to a query it does not know', async () => {
    const { call } = setUp();

    const result = await call('GET', '/workers', { queryStringParameters: { all: 'yes', role: 'lighthouse' } });

    expect(
      problemOf(result)
        .faults.map(({ field }) => field)
        .sort(),
    ).toEqual(['all', 'role']);
  });
});

describe('GET /workers/{name}', () => {
  it('shows the worker', async () => {
    const { doors, call } = setUp();
    const life = await aReservedLife(doors.registry, NAME);
    await doors.registry.recordLaunch(life, await doors.registry.beginLaunch(life), launchFacts());

    const view = WorkerView.parse(bodyOf(await call('GET', `/workers/${NAME}`)));

    expect(view).toMatchObject({
      name: NAME,
      phase: 'LAUNCHED',
      instanceId: launchFacts().instanceId,
      market: 'spot',
      certificateFingerprint: null,
      failure: null,
    });
  });

  it('answers 404 for a name nobody has, and 400 for one nobody can have', async () => {
    const { call } = setUp();

    const results = [await call('GET', '/workers/nobody'), await call('GET', '/workers/No%20Body')];

    expect(results.map(({ statusCode }) => statusCode)).toEqual([404, 400]);
    expect(results.map((result) => problemOf(result).remedy)).not.toContain('');
  });
});

describe('DELETE /workers/{name}', () => {
  it('answers 202 with the teardown it has started', async () => {
    const { doors, call } = setUp();
    const { generation } = await aReservedLife(doors.registry, NAME);

    const result = await call('DELETE', `/workers/${NAME}`, { queryStringParameters: { deregisterAmi: 'true' } });

    const execution = executionArn(`${NAME}-${generation}-t1`, TEARDOWN_MACHINE);
    expect([result.statusCode, TeardownAnswer.parse(bodyOf(result))]).toEqual([
      202,
      { name: NAME, generation, execution },
    ]);
    expect(JSON.parse(doors.executions.started.get(execution)?.input ?? '')).toMatchObject({ deregisterAmi: true });
  });

  it('points to the teardown that is at it', async () => {
    const { doors, call } = setUp();
    const life = await aReservedLife(doors.registry, NAME);
    await doors.registry.fence(life, HOLDER, 600);

    expect(bodyOf(await call('DELETE', `/workers/${NAME}`))).toMatchObject({ execution: HOLDER });
  });

  it('answers 404 for a name nobody has, a life that is over, and a worker that is gone', async () => {
    const { doors, call, remove } = setUp();
    await aReservedLife(doors.registry, NAME);

    const nobody = await call('DELETE', '/workers/nobody');
    const over = await call('DELETE', `/workers/${NAME}`, { queryStringParameters: { generation: 'aaaaaaaa' } });
    await remove(NAME);
    const gone = await call('DELETE', `/workers/${NAME}`);

    expect([nobody, over, gone].map(({ statusCode }) => statusCode)).toEqual([404, 404, 404]);
    expect(problemOf(gone).faults[0]?.got).toContain('removed at');
    expect(doors.executions.started.size).toBe(0);
  });
});
