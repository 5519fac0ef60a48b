import type { GpuView, HelloEvent, NodeView, ServiceView } from '../../../../agent/control-plane/views.ts';

export const NOW = Date.parse('2026-11-22T12:00:00Z');

/** An instant so many seconds before NOW. */
export const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

export const gpuView = (overrides: Partial<GpuView> = {}): GpuView => ({
  index: 0,
  name: 'Tesla T4',
  memory_used_mb: 4096,
  memory_total_mb: 15_360,
  utilization: 40,
  temperature_c: 50,
  ...overrides,
});

const running: ServiceView = { state: 'SERVICE_STATE_RUNNING', message: '', uptime_seconds: 3600 };

/** A gpu-worker on Spot that is fine. */
export const nodeView = (overrides: Partial<NodeView> = {}): NodeView => ({
  id: 'ip-10-0-3-5',
  type: 'NODE_TYPE_GPU_WORKER',
  instance_id: 'i-0123456789abcdef0',
  nebula_ip: '10.100.2.5',
  public_ip: '203.0.113.5',
  connected: true,
  last_seen: ago(4),
  stream_active: true,
  worker: 'gpu-worker-5',
  state: 'online',
  region: 'us-west-2',
  az: 'us-west-2a',
  instance_type: 'g4dn.xlarge',
  market: 'spot',
  fleet: 'carrierarr',
  generation: 'mf3k2x9a',
  agent_version: '0.1.0',
  busy_with: '',
  interruption: null,
  health: 'HEALTH_STATE_HEALTHY',
  uptime_seconds: 3600,
  idle_seconds: 240,
  gpu_count: 1,
  loaded_models: 1,
  labels: {},
  capabilities: null,
  connected_at: ago(3500),
  registered_at: ago(3500),
  timeline: [],
  status: {
    health: 'HEALTH_STATE_HEALTHY',
    uptime_seconds: 3600,
    idle_seconds: 240,
    timestamp: ago(0),
    services: { nebula: running, k3s: running, ollama: running, liqo: null },
  },
  gpus: [gpuView()],
  models: [{ name: 'llama3.1:8b', size_bytes: 4.9e9, currently_loaded: true }],
  ...overrides,
});

export const helloOf = (...nodes: readonly NodeView[]): HelloEvent => ({
  now: ago(0),
  version: '0.1.0',
  stale_after_seconds: 120,
  dead_after_seconds: 300,
  path: 'ok',
  nodes: [...nodes],
});
