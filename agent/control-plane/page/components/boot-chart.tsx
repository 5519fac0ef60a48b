import { formatElapsed } from '../../../../cli/render/duration.ts';
import type { BootMarkView } from '../../views.ts';
import { type Boot, type BootStage, bootOf } from '../model/boot.ts';
import { shareOf } from '../model/quantity.ts';

const inWords = (seconds: number): string => formatElapsed(seconds * 1000);

const percent = (part: number, whole: number): string => `${shareOf(part, whole) * 100}%`;

const StageRow = ({ stage, total }: { readonly stage: BootStage; readonly total: number }) => (
  <tr>
    <th scope="row">{stage.title}</th>
    <td class="track" aria-hidden="true">
      <span style={{ marginInlineStart: percent(stage.from, total), width: percent(stage.seconds, total) }} />
    </td>
    <td class="number">+{inWords(stage.from)}</td>
    <td class="number">{inWords(stage.seconds)}</td>
  </tr>
);

const Stages = ({ boot }: { readonly boot: Boot }) => {
  const longest = Math.max(boot.total, ...boot.stages.map(({ from, seconds }) => from + seconds));
  return (
    <table class="stages">
      <caption class="unseen">Stages of the boot</caption>
      <thead>
        <tr>
          <th scope="col">Stage</th>
          <td aria-hidden="true" />
          <th scope="col">From</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {boot.stages.map((stage) => (
          <StageRow key={stage.title} stage={stage} total={longest} />
        ))}
      </tbody>
    </table>
  );
};

const Marks = ({ boot }: { readonly boot: Boot }) => (
  <details>
    <summary>All {boot.marks.length} marks</summary>
    <ol class="marks">
      {boot.marks.map(({ mark, at }) => (
        <li key={`${mark} ${at}`}>
          <span class="number">+{inWords(at)}</span> {mark}
        </li>
      ))}
    </ol>
  </details>
);

const ENDS: Readonly<Record<Boot['end'], string>> = {
  done: 'Done in',
  failed: 'Failed after',
  'under way': 'Under way for',
};

/** The boot by stages: a table whose bars lie where the stages lie in time, since some run side by side. */
export const BootChart = ({ timeline }: { readonly timeline: readonly BootMarkView[] }) => {
  const boot = bootOf(timeline);
  if (boot === undefined) return <p class="quiet">The agent has told no marks of its boot.</p>;
  return (
    <>
      <p>
        {ENDS[boot.end]} <strong>{inWords(boot.total)}</strong>, counted from the first mark.
      </p>
      {boot.stages.length > 0 && <Stages boot={boot} />}
      <Marks boot={boot} />
    </>
  );
};
