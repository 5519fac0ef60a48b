import type { ModelView, NodeView } from '../../views.ts';
import { totalGpus } from '../model/gpus.ts';
import { costOf, costSoFar, formatDollars, formatHourly, type Prices } from '../model/prices.ts';
import { formatPercent, formatShareOf } from '../model/quantity.ts';
import { formatAgo, formatIdle, formatUptime, uptimeOf } from '../model/times.ts';
import { HEALTH, HEALTH_LOOK, healthOf, STATE_LOOK } from '../model/words.ts';
import { Badge, Bar } from './marks.tsx';
import { Ticking } from './ticking.tsx';

interface NodeProps {
  readonly node: NodeView;
}

/** What was healthy when it was last heard of is not said to be healthy. */
export const State = ({ node }: NodeProps) => (
  <div class="state">
    <p>
      <Badge look={STATE_LOOK[node.state]}>{node.state}</Badge>{' '}
      {node.state === 'online' && <Badge look={HEALTH_LOOK[healthOf(node)]}>{HEALTH[healthOf(node)]}</Badge>}
    </p>
    <p class="sub">
      seen <Ticking text={(now) => formatAgo(node.last_seen, now)} />
    </p>
  </div>
);

export const Gpu = ({ node }: NodeProps) => {
  const total = totalGpus(node.gpus ?? []);
  if (total === undefined) return <div class="gpu quiet">no GPU</div>;
  return (
    <div class="gpu">
      <p class="first spread">
        <span>{total.title}</span> <span class="number">{formatPercent(total.utilization)}</span>
      </p>
      <Bar share={total.utilization} />
      <p class="sub spread">
        <span>{formatShareOf(total.memoryUsedMb, total.memoryTotalMb)}</span>{' '}
        <span class="number">{total.temperatureC} °C</span>
      </p>
    </div>
  );
};

const countedModels = (models: readonly ModelView[]): string => {
  const loaded = models.filter((model) => model.currently_loaded).length;
  const first = loaded === 0 ? 'on disk' : `${loaded === 1 ? '' : `${loaded} `}loaded`;
  return models.length === 1 ? first : `${first}, ${models.length} in all`;
};

/** The first that is loaded by name, the rest counted. */
export const Models = ({ node: { models = [] } }: NodeProps) => {
  const first = models.find((model) => model.currently_loaded) ?? models[0];
  if (first === undefined) return <div class="models quiet">no models</div>;
  return (
    <div class="models">
      <p class="first">{first.name}</p>
      <p class="sub">{countedModels(models)}</p>
    </div>
  );
};

export const Times = ({ node }: NodeProps) => (
  <div class="times">
    <p class="first">{formatIdle(node)}</p>
    <p class="sub">
      <Ticking text={(now) => formatUptime(node, now)} />
    </p>
  </div>
);

export const CostCell = ({ node, prices }: NodeProps & { readonly prices: Prices }) => {
  const cost = costOf(node, prices);
  const soFar = (now: number): string => {
    const uptime = uptimeOf(node, now);
    return cost === undefined || uptime === undefined ? '' : `${formatDollars(costSoFar(cost, uptime))} so far`;
  };
  return (
    <div class="cost">
      <p class={cost === undefined ? 'first quiet' : 'first'}>{formatHourly(cost)}</p>
      <p class="sub">
        <Ticking text={soFar} />
      </p>
    </div>
  );
};
