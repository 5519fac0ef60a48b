import type { ServerOptions } from '@grpc/grpc-js';
import { until } from '../../../support/eventually.ts';
import { BrokenServer } from './broken-servers.ts';
import { type OurAgent, type OurAgentOptions, startOurAgent } from './our-agent.ts';
import { OurControlPlane, type OurControlPlaneOptions } from './our-control-plane.ts';
import { PeerAgent } from './peer-agent.ts';
import { type AgentStream, PeerControlPlane } from './peer-control-plane.ts';
import { Wiretap } from './wiretap.ts';

/** Vitest's hook of one test, which works for tests that run side by side. */
export type AtEnd = (end: () => void | Promise<void>) => void;

type PeerAgentOptions = ConstructorParameters<typeof PeerAgent> extends [string, ...infer Rest] ? Rest : never;

/** What tests of one agent put up; all of it is gone at the end of the test. */
export class Bench {
  readonly #atEnd: AtEnd;

  constructor(atEnd: AtEnd) {
    this.#atEnd = atEnd;
  }

  async controlPlane(options: ServerOptions = {}, port = 0): Promise<PeerControlPlane> {
    const plane = new PeerControlPlane(options);
    await plane.listen(port);
    this.#atEnd(() => plane.close());
    return plane;
  }

  async ourControlPlane(options: OurControlPlaneOptions = {}): Promise<OurControlPlane> {
    const plane = await OurControlPlane.start(options);
    this.#atEnd(() => plane.close());
    return plane;
  }

  peerAgent(target: { readonly port: number }, ...options: PeerAgentOptions): PeerAgent {
    const agent = new PeerAgent(`127.0.0.1:${target.port}`, ...options);
    this.#atEnd(() => agent.close());
    return agent;
  }

  async broken(name: string): Promise<BrokenServer> {
    const broken = new BrokenServer(name);
    await broken.listen();
    this.#atEnd(() => broken.close());
    return broken;
  }

  /** @param minimumPingMs - what counts as a strike */
  async tap(target: { readonly port: number }, minimumPingMs?: number): Promise<Wiretap> {
    const tap = new Wiretap(() => target.port, minimumPingMs);
    await tap.listen();
    this.#atEnd(() => tap.close());
    return tap;
  }

  agent(options: OurAgentOptions): OurAgent {
    const agent = startOurAgent(options);
    this.#atEnd(() => agent.stop());
    return agent;
  }
}

/** The first stream that has brought a status: the agent is connected. */
export function firstStream(plane: PeerControlPlane): Promise<AgentStream> {
  return until('a stream with a status', () => plane.streams.find((stream) => stream.received.length > 0));
}
