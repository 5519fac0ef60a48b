import { Component } from 'preact';
import type { NodeView } from '../../views.ts';
import { elementIdOf } from '../model/link.ts';
import type { Prices } from '../model/prices.ts';
import { formatInterruption } from '../model/times.ts';
import { lookOf, nameOf, ROLES } from '../model/words.ts';
import { Mark } from './marks.tsx';
import { CostCell, Gpu, Models, State, Times } from './node-cells.tsx';
import { NodeDetail } from './node-detail.tsx';
import { Ticking } from './ticking.tsx';

export interface RowProps {
  readonly node: NodeView;
  readonly prices: Prices;
  readonly open: boolean;
  readonly toggle: (id: string) => void;
}

const Who = ({ node, open, toggle }: Omit<RowProps, 'prices'>) => (
  <div class="who">
    <h3>
      <Mark look={lookOf(node)} />
      <button
        type="button"
        aria-expanded={open}
        aria-controls={`${elementIdOf(node.id)}-detail`}
        onClick={() => toggle(node.id)}
      >
        {nameOf(node)}
      </button>
    </h3>
    <p class="sub">{[ROLES[node.type], node.nebula_ip].filter(Boolean).join(' · ')}</p>
    <p class="sub">{[node.instance_type, node.market].filter(Boolean).join(' ')}</p>
  </div>
);

const Alarm = ({ node }: { readonly node: NodeView }) => {
  const { interruption, state } = node;
  if (interruption === null || state === 'gone') return null;
  return (
    <p class="alarm">
      EC2 takes this node back: <Ticking text={(now) => formatInterruption(interruption, now)} />
    </p>
  );
};

/** One node. Drawn again only when it has changed: a thousand stand in the list, and one of them reports. */
export class NodeRow extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const { node, prices, open } = this.props;
    return node !== next.node || prices !== next.prices || open !== next.open;
  }

  override render({ node, prices, open, toggle }: RowProps) {
    const id = elementIdOf(node.id);
    return (
      <li id={id} class={`node ${lookOf(node)} ${node.state}`}>
        <div class="row">
          <Who node={node} open={open} toggle={toggle} />
          <State node={node} />
          <Gpu node={node} />
          <Models node={node} />
          <Times node={node} />
          <CostCell node={node} prices={prices} />
        </div>
        <Alarm node={node} />
        <div id={`${id}-detail`}>{open && <NodeDetail node={node} />}</div>
      </li>
    );
  }
}
