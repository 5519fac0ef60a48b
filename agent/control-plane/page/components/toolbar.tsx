import { EVERYTHING, type Order, type Selection } from '../model/select.ts';
import { ROLES, STATE_LOOK } from '../model/words.ts';

const ORDERS: Readonly<Record<Order, string>> = {
  attention: 'Attention first',
  name: 'By name',
  cost: 'Dearest first',
  idle: 'Idlest first',
};

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

const ROLE_CHOICES: Readonly<Record<string, string>> = { '': 'All roles', ...ROLES };

const STATE_CHOICES: Readonly<Record<string, string>> = {
  '': 'All states',
  ...Object.fromEntries(Object.keys(STATE_LOOK).map((state) => [state, capital(state)])),
};

interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly choices: Readonly<Record<string, string>>;
  readonly choose: (value: Value) => void;
}

/** The values come out as they went in: they are the keys of `choices`. */
const Choice = <Value extends string>({ label, value, choices, choose }: ChoiceProps<Value>) => (
  <select aria-label={label} value={value} onChange={({ currentTarget }) => choose(currentTarget.value as Value)}>
    {Object.entries(choices).map(([key, title]) => (
      <option key={key} value={key}>
        {title}
      </option>
    ))}
  </select>
);

interface ToolbarProps {
  readonly selection: Selection;
  readonly select: (selection: Selection) => void;
}

/** What of the fleet is shown. */
export const Toolbar = ({ selection, select }: ToolbarProps) => (
  <search class="toolbar">
    <input
      type="search"
      aria-label="Find nodes"
      placeholder="Find by name, address, model …"
      value={selection.text}
      onInput={({ currentTarget }) => select({ ...selection, text: currentTarget.value })}
    />
    <Choice
      label="Role"
      value={selection.role}
      choices={ROLE_CHOICES}
      choose={(role) => select({ ...selection, role })}
    />
    <Choice
      label="State"
      value={selection.state}
      choices={STATE_CHOICES}
      choose={(state) => select({ ...selection, state })}
    />
    <Choice
      label="Order"
      value={selection.order}
      choices={ORDERS}
      choose={(order) => select({ ...selection, order })}
    />
  </search>
);

/** Nothing matches: the way back is one press. */
export const NothingFound = ({ select }: Pick<ToolbarProps, 'select'>) => (
  <p class="empty">
    No node matches.{' '}
    <button type="button" onClick={() => select(EVERYTHING)}>
      Show all
    </button>
  </p>
);
