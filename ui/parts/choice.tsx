import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';

export interface Option {
  readonly value: string;
  readonly text: string;
}

/** Options that are what they are called. @param prefix stands before each text */
export function named(names: readonly string[], prefix = ''): readonly Option[] {
  return names.map((name) => ({ value: name, text: prefix + name }));
}

/** A browser lays out every option of a list: with thousands of metrics that takes seconds. */
const mostListed = 200;
const mostSuggested = 50;

/** A choice of one among some, or among very many: then by typing a part of its text, and what matches is suggested. */
export function Choice({
  options,
  value,
  hint,
  onChoose,
}: {
  readonly options: readonly Option[];
  readonly value: string;
  /** What stands there while nothing is chosen. */
  readonly hint: string;
  readonly onChoose: (value: string) => void;
}): JSX.Element {
  if (options.length > mostListed) return <TypedChoice options={options} value={value} hint={hint} onChoose={onChoose} />;
  return (
    <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
      {value === '' && <option value="">{hint}</option>}
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.text}
        </option>
      ))}
    </select>
  );
}

function TypedChoice({ options, value, hint, onChoose }: Parameters<typeof Choice>[0]): JSX.Element {
  const list = useId();
  const chosen = options.find((option) => option.value === value)?.text ?? '';
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const part = (typed ?? '').toLowerCase();
  const matching: Option[] = [];
  for (const option of options) {
    if (option.text.toLowerCase().includes(part)) matching.push(option);
    if (matching.length === mostSuggested) break;
  }
  // When the typing ends, or a suggestion is picked: one name may be the beginning of another.
  const take = (text: string): void => {
    setTyped(undefined);
    const option = options.find((one) => one.text === text);
    if (option !== undefined && option.value !== value) onChoose(option.value);
  };
  return (
    <>
      <input
        type="search"
        list={list}
        value={typed ?? chosen}
        placeholder={`${hint}: a part of its name`}
        autocomplete="off"
        onInput={(event) => setTyped(event.currentTarget.value)}
        onChange={(event) => take(event.currentTarget.value)}
      />
      <datalist id={list}>
        {matching.map((option) => (
          <option key={option.value} value={option.text} />
        ))}
      </datalist>
    </>
  );
}
