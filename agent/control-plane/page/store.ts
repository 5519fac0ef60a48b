import { createClock, type SettableClock } from './clock.ts';
import { type Connection, type EventStream, followFleet } from './connection.ts';
import { applyChanges, type Change, type Fleet, UNKNOWN_FLEET } from './model/fleet.ts';
import { NO_PRICES, type Prices, readPrices } from './model/prices.ts';

/** `connecting`: nothing has come yet; `lost`: what is shown is old. */
export type Link = 'connecting' | 'live' | 'lost';

/** What is drawn. */
export interface Picture {
  readonly fleet: Fleet;
  readonly link: Link;
  readonly prices: Prices;
}

export interface Store {
  readonly clock: SettableClock;
  picture(): Picture;
  subscribe(listener: () => void): () => void;
}

/** Draws at most as often: a thousand nodes report thirty times a second, and nobody reads as fast. */
const PAUSE_MILLISECONDS = 250;

const fetchPrices = async (): Promise<Prices> => {
  try {
    return readPrices(await (await fetch('prices.json')).json());
  } catch {
    return NO_PRICES;
  }
};

/** Looked at again, or online again: no reason to wait for the next try. */
const retryWhenBack = (connection: Connection): void => {
  addEventListener('online', () => connection.retry());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') connection.retry();
  });
};

export const createStore = (): Store => {
  const clock = createClock();
  const listeners = new Set<() => void>();
  let picture: Picture = { fleet: UNKNOWN_FLEET, link: 'connecting', prices: NO_PRICES };
  let waiting: Change[] = [];
  let resting = false;

  const show = (next: Partial<Picture>): void => {
    picture = { ...picture, ...next };
    for (const listener of listeners) listener();
  };
  const draw = (): void => {
    resting = waiting.length > 0;
    if (!resting) return;
    const changes = waiting;
    waiting = [];
    setTimeout(draw, PAUSE_MILLISECONDS);
    show({ fleet: applyChanges(picture.fleet, changes) });
  };
  const connection = followFleet((): EventStream => new EventSource('api/v1/events'), {
    changed: (change) => {
      waiting.push(change);
      if (!resting) draw();
    },
    clock: (serverNow) => clock.set(serverNow),
    live: (isLive) => {
      clock.run(isLive);
      // Before the first answer nothing that is shown could be old.
      if (isLive || picture.link !== 'connecting') show({ link: isLive ? 'live' : 'lost' });
    },
  });
  retryWhenBack(connection);
  void fetchPrices().then((prices) => show({ prices }));
  return {
    clock,
    picture: () => picture,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};
