import { useEffect, useRef, useState } from 'preact/hooks';
import type { Fleet } from '../model/fleet.ts';
import { elementIdOf, nodeOfHash } from '../model/link.ts';
import { newsBetween } from '../model/news.ts';
import { URGENT, urgencyOf } from '../model/words.ts';
import type { Picture, Store } from '../store.ts';

export const usePicture = (store: Store): Picture => {
  const [picture, setPicture] = useState(store.picture());
  useEffect(() => store.subscribe(() => setPicture(store.picture())), [store]);
  return picture;
};

const idsOfAddress = (): string[] => {
  const id = nodeOfHash(location.hash);
  return id === undefined ? [] : [id];
};

/** Which nodes are open. The address in the browser names the one opened last, so that it can be passed on. */
export const useOpenNodes = () => {
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(idsOfAddress()));
  const toggle = useRef((id: string): void =>
    setOpen((former) => {
      const next = new Set(former);
      const opens = !next.delete(id);
      if (opens) next.add(id);
      const address = opens ? `#${elementIdOf(id)}` : location.pathname + location.search;
      if (opens || nodeOfHash(location.hash) === id) history.replaceState(null, '', address);
      return next;
    }),
  ).current;
  return { open, setOpen, toggle };
};

const goTo = (id: string): boolean => {
  const element = document.getElementById(elementIdOf(id));
  element?.scrollIntoView({ block: 'start' });
  element?.querySelector('button')?.focus({ preventScroll: true });
  return element !== null;
};

/** Goes to the node that the address names: once its row is drawn, and whenever the address changes. */
export const useDeepLink = (fleet: Fleet, show: (id: string) => void): void => {
  const wanted = useRef(nodeOfHash(location.hash));
  useEffect(() => {
    const changed = (): void => {
      const id = nodeOfHash(location.hash);
      wanted.current = id;
      if (id !== undefined) show(id);
    };
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, [show]);
  useEffect(() => {
    const id = wanted.current;
    // Whoever is not there is not waited for: an hour later nobody wants the focus to jump.
    if (id !== undefined && (goTo(id) || !fleet.nodes.has(id))) wanted.current = undefined;
  });
};

/** How many nodes need somebody, for those who have the page in another tab. */
export const useTitle = ({ fleet, link }: Picture): void => {
  const urgent = [...fleet.nodes.values()].filter((node) => urgencyOf(node) >= URGENT).length;
  const count = urgent === 0 ? '' : `(${urgent}) `;
  useEffect(() => {
    document.title = `${link === 'lost' ? 'Cut off: ' : count}Fleet · Carrierarr`;
  }, [count, link]);
};

/** As many rows fill any screen; the others follow in steps, so that a page of a thousand nodes shows at once. */
const FIRST_ROWS = 60;
const MORE_ROWS = 200;

/** How many of so many rows are drawn by now. */
export const useGrowing = (count: number): number => {
  const [drawn, setDrawn] = useState(FIRST_ROWS);
  useEffect(() => {
    if (drawn >= count) return undefined;
    const timer = setTimeout(() => setDrawn(drawn + MORE_ROWS));
    return () => clearTimeout(timer);
  }, [drawn, count]);
  return drawn;
};

/** News are read aloud at most as often. */
const NEWS_MILLISECONDS = 5000;

/** What a screen reader says: news of the fleet, gathered over some seconds, and whether the page is cut off. */
export const useNews = ({ fleet, link }: Picture): string => {
  const [news, setNews] = useState('');
  const latest = useRef(fleet);
  const told = useRef(fleet);
  latest.current = fleet;
  // The first picture is what all news are measured by.
  if (told.current.version === '') told.current = fleet;
  useEffect(() => {
    const timer = setInterval(() => {
      const text = newsBetween(told.current, latest.current);
      told.current = latest.current;
      if (text !== '') setNews(text);
    }, NEWS_MILLISECONDS);
    return () => clearInterval(timer);
  }, []);
  return link === 'lost' ? 'The connection is lost. What is shown is old.' : news;
};
