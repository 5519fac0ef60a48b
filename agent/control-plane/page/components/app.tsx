import { useMemo, useState } from 'preact/hooks';
import { counted } from '../model/quantity.ts';
import { EVERYTHING, selectNodes } from '../model/select.ts';
import { type Summary, summarise } from '../model/summary.ts';
import type { Picture, Store } from '../store.ts';
import { useDeepLink, useGrowing, useNews, useOpenNodes, usePicture, useTitle } from './hooks.ts';
import { NodeRow } from './node-row.tsx';
import { EmptyFleet, LinkState, PathNotice, Waiting } from './notices.tsx';
import { SummaryTiles } from './summary.tsx';
import { ClockContext } from './ticking.tsx';
import { NothingFound, Toolbar } from './toolbar.tsx';

const Header = ({ link, since }: { readonly link: Picture['link']; readonly since: number }) => (
  <header>
    <img src="icon.svg" alt="" width="32" height="32" />
    <h1>
      Carrierarr <span>fleet</span>
    </h1>
    <LinkState link={link} since={since} />
  </header>
);

const Footer = ({ fleet, prices }: Picture) => (
  <footer>
    <p>
      {prices.asOf === ''
        ? 'There is no list of prices.'
        : `Costs: on-demand list of ${prices.asOf} for Linux in ${prices.regions.join(', ')}, without disks, addresses and traffic. ≤ marks Spot, which costs that at most.`}
    </p>
    <p>This page only reads. Control plane {fleet.version}</p>
  </footer>
);

const Nodes = ({ fleet, prices, total }: Picture & Pick<Summary, 'total'>) => {
  const [selection, select] = useState(EVERYTHING);
  const { open, setOpen, toggle } = useOpenNodes();
  const [show] = useState(() => (id: string) => {
    select(EVERYTHING);
    setOpen((former) => new Set(former).add(id));
  });
  useDeepLink(fleet, show);
  const nodes = useMemo(() => selectNodes(fleet.nodes.values(), selection, prices), [fleet, selection, prices]);
  const drawn = useGrowing(nodes.length);
  return (
    <section aria-labelledby="nodes">
      <div class="above">
        <h2 id="nodes">{counted(nodes.length, 'node')}</h2>
        <Toolbar selection={selection} select={select} />
      </div>
      {nodes.length === 0 &&
        (total === 0 && selection.state === '' ? <EmptyFleet /> : <NothingFound select={select} />)}
      <ul class="nodes">
        {nodes.slice(0, drawn).map((node) => (
          <NodeRow key={node.id} node={node} prices={prices} open={open.has(node.id)} toggle={toggle} />
        ))}
      </ul>
    </section>
  );
};

/** The page. */
export const App = ({ store }: { readonly store: Store }) => {
  const picture = usePicture(store);
  const { fleet, link, prices } = picture;
  const summary = useMemo(() => summarise([...fleet.nodes.values()], prices), [fleet, prices]);
  const news = useNews(picture);
  useTitle(picture);
  return (
    <ClockContext.Provider value={store.clock}>
      <Header link={link} since={store.clock.now()} />
      <main class={link}>
        <h2 class="unseen">Summary</h2>
        <SummaryTiles summary={summary} />
        <PathNotice fleet={fleet} />
        {link === 'connecting' && <Waiting />}
        {link !== 'connecting' && fleet.nodes.size === 0 && <EmptyFleet />}
        {fleet.nodes.size > 0 && <Nodes {...picture} total={summary.total} />}
      </main>
      {link !== 'connecting' && <Footer {...picture} />}
      <p class="unseen" role="status">
        {news}
      </p>
    </ClockContext.Provider>
  );
};
