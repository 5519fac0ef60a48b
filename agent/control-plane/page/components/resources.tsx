import type { GpuView, ResourcesView } from '../../views.ts';
import { formatPercent, formatShareOf, shareOf } from '../model/quantity.ts';
import { Bar } from './marks.tsx';

interface UseProps {
  readonly title: string;
  readonly share: number;
  readonly words: string;
}

/** From here on it is a matter of time until something fails. */
const ALMOST_FULL = 0.95;

const Use = ({ title, share, words }: UseProps) => (
  <div>
    <dt>{title}</dt>
    <dd>
      {words}
      <Bar share={share} look={share > ALMOST_FULL ? 'warning' : 'good'} />
    </dd>
  </div>
);

/** What is in use on a node. */
export const Resources = ({ resources }: { readonly resources: ResourcesView | undefined }) => {
  if (resources === undefined) return <p class="quiet">No resources have been reported.</p>;
  const cpu = shareOf(resources.cpu_percent, 100);
  const { memory_used_mb: memory, memory_total_mb: memoryTotal } = resources;
  const { disk_used_mb: disk, disk_total_mb: diskTotal } = resources;
  return (
    <dl class="uses">
      <Use title="CPU" share={cpu} words={formatPercent(cpu)} />
      <Use title="Memory" share={shareOf(memory, memoryTotal)} words={formatShareOf(memory, memoryTotal)} />
      <Use title="Disk" share={shareOf(disk, diskTotal)} words={formatShareOf(disk, diskTotal)} />
    </dl>
  );
};

/** Each GPU of a node by itself. */
export const Gpus = ({ gpus }: { readonly gpus: readonly GpuView[] }) => (
  <table class="gpus">
    <caption class="unseen">GPUs</caption>
    <thead>
      <tr>
        <th scope="col">GPU</th>
        <th scope="col">Load</th>
        <th scope="col">Memory</th>
        <th scope="col">Heat</th>
      </tr>
    </thead>
    <tbody>
      {gpus.map((gpu) => (
        <tr key={gpu.index}>
          <th scope="row">
            {gpu.index} {gpu.name}
          </th>
          <td class="number">{formatPercent(shareOf(gpu.utilization, 100))}</td>
          <td class="number">{formatShareOf(gpu.memory_used_mb, gpu.memory_total_mb)}</td>
          <td class="number">{gpu.temperature_c} °C</td>
        </tr>
      ))}
    </tbody>
  </table>
);
