import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { FleetView, NodeSummaryView, NodeView, ProblemView, StatsView } from '../../../../agent/control-plane/views.ts';
import { registration, status } from '../support/a-fleet.ts';
import { aFolder, aPlane, cleanUp } from '../support/a-plane.ts';

afterEach(cleanUp);

const UNCHECKED = { kind: 'unchecked' } as const;

const withNodes = async () => {
  const cloud = await aPlane();
  const { fleet } = cloud.plane;
  fleet.register(registration(1, { instanceType: 'g6.xlarge', market: 'spot', region: 'eu-central-1' }), UNCHECKED);
  fleet.status(
    'ip-10-0-0-1',
    status(1, {
      uptimeSeconds: 9_007_199_254_740_991n,
      resources: { memoryUsedMb: 1n, memoryTotalMb: 4n },
      gpus: [{ index: 0, name: 'L4', utilizationPercent: 12.5, temperatureC: 41 }],
      loadedModels: [{ name: 'llama', sizeBytes: 5n, currentlyLoaded: true }],
      bootTimeline: [{ mark: 'kernel', at: { seconds: 1n } }],
      nebula: { state: 1 },
    }),
  );
  fleet.register(registration(2, { nodeType: 1, worker: '', agentVersion: '' }), UNCHECKED);
  return cloud;
};

describe('GET /api/v1', () => {
  it('lists nodes as known control planes do, with ours beside', async () => {
    const { get } = await withNodes();

    const { json } = await get('/api/v1/nodes');

    const [one, two] = z.array(NodeSummaryView).parse(json);
    expect(one).toMatchObject({
      ...{ id: 'ip-10-0-0-1', type: 'NODE_TYPE_GPU_WORKER', instance_id: 'i-1', nebula_ip: '10.100.1.1' },
      ...{ public_ip: '', connected: true, stream_active: false, health: 'HEALTH_STATE_HEALTHY', gpu_count: 1 },
      ...{ uptime_seconds: 9_007_199_254_740_991, loaded_models: 1, worker: 'worker-1', state: 'online' },
    });
    expect(one?.last_seen).toMatch(/^\d{4}-.*Z$/);
    expect(two).toMatchObject({ worker: '', region: '', interruption: null });
    expect(two).not.toHaveProperty('health');
  });

  it('tells all of one node', async () => {
    const { get } = await withNodes();

    const { json } = await get('/api/v1/nodes/ip-10-0-0-1');

    expect(NodeView.parse(json)).toMatchObject({
      ...{ region: 'eu-central-1', az: '', labels: {}, instance_type: 'g6.xlarge', market: 'spot' },
      status: { health: 'HEALTH_STATE_HEALTHY', idle_seconds: 0, services: { liqo: null } },
      resources: { cpu_percent: 0, memory_used_mb: 1, disk_total_mb: 0 },
      gpus: [{ name: 'L4', utilization: 12.5, temperature_c: 41 }],
      models: [{ name: 'llama', size_bytes: 5, currently_loaded: true }],
      timeline: [{ mark: 'kernel', at: '1970-01-01T00:00:01.000Z' }],
    });
  });

  it('tells the fleet as protojson does, zero values and all', async () => {
    const { get } = await withNodes();

    const { json } = await get('/api/v1/fleet');

    const { nodes, summary } = FleetView.parse(json);
    expect(nodes[0]).toMatchObject({ uptime_seconds: '9007199254740991', idle_seconds: '0', memory_percent: 25 });
    expect(nodes[1]).toMatchObject({ health: 'HEALTH_STATE_UNSPECIFIED', cpu_percent: 0, gpu_count: 0, worker: '' });
    expect(summary).toEqual({ total_nodes: 2, healthy_nodes: 1, unhealthy_nodes: 1, gpu_nodes: 1, total_gpus: 1 });
  });

  it('counts', async () => {
    const { get } = await withNodes();

    const { json } = await get('/api/v1/stats');

    expect(StatsView.parse(json)).toMatchObject({ total_nodes: 2, connected: 2, dead_nodes: 0, path: 'ok' });
  });

  it.each([
    ['type=gpu-worker', ['ip-10-0-0-1']],
    ['type=NODE_TYPE_LIGHTHOUSE', ['ip-10-0-0-2']],
    ['health=healthy', ['ip-10-0-0-1']],
    ['type=lighthouse&health=healthy', []],
  ])('filters nodes and fleet by ?%s', async (query, ids) => {
    const { get } = await withNodes();

    const nodes = await get(`/api/v1/nodes?${query}`);
    const fleet = await get(`/api/v1/fleet?${query}`);

    expect(nodes.json.map(({ id }: { id: string }) => id)).toEqual(ids);
    expect(fleet.json.nodes.map((node: { node_id: string }) => node.node_id)).toEqual(ids);
  });

  it.each([
    ['/api/v1/nodes?type=toaster', 400],
    ['/api/v1/nodes/nobody', 404],
    ['/api/v1/nothing', 404],
    ['/api/v1/command', 405],
    ['/', 404],
  ])('answers %s with a problem', async (path, expected) => {
    const { get } = await aPlane();

    const { status: got, headers, json } = await get(path);

    expect(got).toBe(expected);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(ProblemView.parse(json)).toMatchObject({ status: expected });
  });
});

describe('the control plane itself', () => {
  it('says that it lives, is ready, and which version it is', async () => {
    const { get } = await aPlane();

    expect([(await get('/health')).text, (await get('/ready')).text]).toEqual(['ok\n', 'ready\n']);
    expect((await get('/version')).json).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });

  it('measures itself, with labels that nobody outside chooses', async () => {
    const { get } = await withNodes();
    await get('/api/v1/nodes/some-name');
    await get('/some/where?x=secret');

    const { text } = await get('/metrics');

    expect(text).toContain('carrierarr_nodes{state="online",type="NODE_TYPE_GPU_WORKER"} 1');
    expect(text).toContain('route="/api/v1/nodes/:id"');
    expect(text).not.toMatch(/some-name|some\/where|secret/);
  });

  it('refuses other methods, and says which ones there are', async () => {
    const { send } = await aPlane();

    const { status: got, headers } = await send('PUT', '/api/v1/nodes', {});

    expect(got).toBe(405);
    expect(headers.get('allow')).toBe('GET');
  });
});

describe('the page', () => {
  const withPage = async () =>
    await aPlane({
      PAGE_DIR: aFolder({ 'index.html': '<!doctype html>', 'app.js': 'x();'.repeat(999), '.secret': 's' }),
    });

  it('is served with its files, and may load nothing else', async () => {
    const { get } = await withPage();

    const { headers, text } = await get('/');

    expect(text).toBe('<!doctype html>');
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  it('is compressed for those who can read that, and not sent twice', async () => {
    const { get, url } = await withPage();
    const { request } = await import('node:http');
    const raw = await new Promise<{ encoding: string | undefined; body: Buffer }>((resolve) => {
      request(`${url}/app.js`, { headers: { 'accept-encoding': 'gzip' } }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('end', () => resolve({ encoding: answer.headers['content-encoding'], body: Buffer.concat(parts) }));
      }).end();
    });

    expect(raw.encoding).toBe('gzip');
    expect(gunzipSync(raw.body).toString()).toBe('x();'.repeat(999));
    const etag = (await get('/app.js')).headers.get('etag') ?? '';
    expect((await get('/app.js', { 'if-none-match': etag })).status).toBe(304);
  });

  it.each(['/.secret', '/..%2f..%2fetc%2fpasswd', '/%2e%2e/token', '/app.js/'])('has nothing at %s', async (path) => {
    const { get } = await withPage();

    expect((await get(path)).status).toBe(404);
  });

  it('that was not built says how it is', async () => {
    const { get } = await aPlane();

    expect((await get('/')).json).toMatchObject({ remedy: expect.stringContaining('build:control-plane') });
  });
});
