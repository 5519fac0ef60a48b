import type { ComponentChildren } from 'preact';
import type { ModelView, NodeView } from '../../views.ts';
import { formatBytes } from '../model/quantity.ts';
import { formatAgo } from '../model/times.ts';
import { SERVICE_LOOK, SERVICES } from '../model/words.ts';
import { BootChart } from './boot-chart.tsx';
import { Mark } from './marks.tsx';
import { Gpus, Resources } from './resources.tsx';
import { Ticking } from './ticking.tsx';

interface SectionProps {
  readonly title: string;
  readonly children: ComponentChildren;
}

const Section = ({ title, children }: SectionProps) => (
  <section class={title.toLowerCase()}>
    <h4>{title}</h4>
    {children}
  </section>
);

const Services = ({ status }: Pick<NodeView, 'status'>) => {
  const services = Object.entries(status?.services ?? {}).flatMap(([name, service]) =>
    service === null ? [] : [{ name, ...service }],
  );
  if (services.length === 0) return <p class="quiet">No service has been reported.</p>;
  return (
    <ul class="things">
      {services.map(({ name, state, message }) => (
        <li key={name}>
          <Mark look={SERVICE_LOOK[state]} />
          <span>
            <strong>{name}</strong> {SERVICES[state]}
            {message !== '' && <span class="message">{message}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
};

const Models = ({ models }: { readonly models: readonly ModelView[] }) => (
  <ul class="things">
    {models.map(({ name, size_bytes: size, currently_loaded: loaded }) => (
      <li key={name}>
        <Mark look={loaded ? 'good' : 'quiet'} />
        <span>
          <strong>{name}</strong> {formatBytes(size)}, {loaded ? 'loaded' : 'on disk'}
        </span>
      </li>
    ))}
  </ul>
);

/** In the words of `carrierarr status`. */
const fieldsOf = (node: NodeView): readonly (readonly [title: string, value: string])[] => [
  ['Node', node.id],
  ['Instance', node.instance_id],
  ['Mesh address', node.nebula_ip],
  ['Public address', node.public_ip],
  ['Type', [node.instance_type, node.market].filter(Boolean).join(', ')],
  ['Zone', node.az || node.region],
  ['Fleet', node.fleet],
  ['Generation', node.generation],
  ['Agent', node.agent_version],
  ['Commands', node.stream_active ? 'reach the node' : 'do not reach the node'],
  [
    'Labels',
    Object.entries(node.labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(', '),
  ],
];

/** What nobody knows is left out. */
const Fields = ({ node }: { readonly node: NodeView }) => (
  <dl class="fields">
    {fieldsOf(node)
      .filter(([, value]) => value !== '')
      .map(([title, value]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    <div>
      <dt>Registered</dt>
      <dd>
        <Ticking text={(now) => formatAgo(node.registered_at, now)} />
      </dd>
    </div>
  </dl>
);

/** Everything about one node. */
export const NodeDetail = ({ node }: { readonly node: NodeView }) => (
  <div class="detail">
    <Section title="Services">
      <Services status={node.status} />
    </Section>
    <Section title="Resources">
      <Resources resources={node.resources} />
      {node.gpus !== undefined && node.gpus.length > 0 && <Gpus gpus={node.gpus} />}
    </Section>
    {node.models !== undefined && node.models.length > 0 && (
      <Section title="Models">
        <Models models={node.models} />
      </Section>
    )}
    <Section title="Boot">
      <BootChart timeline={node.timeline} />
    </Section>
    <Section title="Instance">
      <Fields node={node} />
    </Section>
  </div>
);
