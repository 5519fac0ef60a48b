import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../../agent/control-plane/clock.ts';
import { readSettings } from '../../../../agent/control-plane/settings.ts';
import { type ControlPlane, startControlPlane } from '../../../../agent/control-plane/start.ts';
import type { NodeView } from '../../../../agent/control-plane/views.ts';

const COMMAND_TOKEN = 'a-token-for-commands-of-tests';

/** What a test may want of its control plane. */
export interface OurControlPlaneOptions {
  /** Flags beside those of the addresses. */
  readonly flags?: readonly string[];
  readonly clock?: Clock;
  /** @default - a port of its own */
  readonly port?: number;
  /** Seconds that agents are told. @default - 30 */
  readonly intervalSeconds?: number;
}

/** One of our control planes in this process, with the API that people use. */
export class OurControlPlane {
  readonly events: { readonly event: string; readonly facts: Readonly<Record<string, unknown>> }[];
  readonly #plane: ControlPlane;
  readonly #folder: string;

  private constructor(plane: ControlPlane, folder: string, events: OurControlPlane['events']) {
    this.#plane = plane;
    this.#folder = folder;
    this.events = events;
  }

  static async start({ flags = [], clock, port = 0, intervalSeconds = 30 }: OurControlPlaneOptions = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'carrierarr-plane-'));
    await writeFile(join(folder, 'token'), COMMAND_TOKEN);
    const addresses = ['--grpc-addr', `127.0.0.1:${port}`, '--http-addr', '127.0.0.1:0'];
    const state = ['--data-dir', ':memory:', '--page-dir', '', '--command-token-file', join(folder, 'token')];
    const events: OurControlPlane['events'] = [];
    const plane = await startControlPlane(readSettings([...addresses, ...state, ...flags], {}), {
      log: (_level, event, facts = {}) => events.push({ event, facts }),
      heartbeatSeconds: intervalSeconds,
      statusSeconds: intervalSeconds,
      ...(clock === undefined ? {} : { clock }),
    });
    return new OurControlPlane(plane, folder, events);
  }

  get port(): number {
    return this.#plane.grpcAddress.port;
  }

  get fleet(): ControlPlane['fleet'] {
    return this.#plane.fleet;
  }

  async close(): Promise<void> {
    await this.#plane.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** As GET /api/v1/nodes/{id} shows it; undefined where there is none. */
  async node(id: string): Promise<NodeView | undefined> {
    const response = await fetch(this.#url(`/api/v1/nodes/${id}`));
    return response.ok ? ((await response.json()) as NodeView) : undefined;
  }

  async command(
    nodeId: string,
    type: string,
    args: Record<string, string> = {},
  ): Promise<{ status: number; id: string }> {
    const response = await fetch(this.#url('/api/v1/command'), {
      method: 'POST',
      headers: { authorization: `Bearer ${COMMAND_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ node_id: nodeId, type, args }),
    });
    const answer = (await response.json()) as { command_id?: string };
    return { status: response.status, id: answer.command_id ?? '' };
  }

  /** Events of the audit of one command, in order. */
  async audit(commandId: string): Promise<readonly { event: string; detail: string }[]> {
    const response = await fetch(this.#url(`/api/v1/audit?command_id=${commandId}`), {
      headers: { authorization: `Bearer ${COMMAND_TOKEN}` },
    });
    const entries = (await response.json()) as { event: string; detail: string }[];
    return entries.toReversed();
  }

  #url(path: string): string {
    return `http://127.0.0.1:${this.#plane.httpAddress.port}${path}`;
  }
}
