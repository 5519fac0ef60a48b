import { createContext } from 'preact';
import { useContext, useEffect, useReducer, useRef } from 'preact/hooks';
import type { Clock } from '../clock.ts';

export const ClockContext = createContext<Clock>({ now: () => 0, onTick: () => () => undefined });

/** Text that depends on the time: looked at each second, drawn only when it reads differently. */
export const Ticking = ({ text }: { readonly text: (now: number) => string }) => {
  const clock = useContext(ClockContext);
  const [, redraw] = useReducer<number, void>((count) => count + 1, 0);
  const shown = text(clock.now());
  const last = useRef({ text, shown });
  last.current = { text, shown };
  useEffect(
    () =>
      clock.onTick(() => {
        if (last.current.text(clock.now()) !== last.current.shown) redraw();
      }),
    [clock],
  );
  return <>{shown}</>;
};
