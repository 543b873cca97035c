import type { JSX } from 'preact';
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import { completeFilter, parseFilter } from '#contract';
import type { FilterVocabulary } from '#contract';
import type { RunKeys } from '../lib/tracking-shapes.ts';

type Kind = 'run' | 'logged_model';

const words = {
  run: {
    label: 'Filter of runs',
    example: "metrics.loss < 0.1 AND params.depth = '3'",
    statuses: ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'],
  },
  logged_model: {
    label: 'Filter of models',
    example: "metrics.auc > 0.9 AND params.kind = 'tree'",
    statuses: ['READY', 'PENDING', 'FAILED', 'UNSPECIFIED'],
  },
} as const;

/** What can be named in a filter, and the values that were seen. */
function vocabularyOf(kind: Kind, keys: RunKeys | undefined): FilterVocabulary {
  if (keys === undefined) return {};
  const valuesIn = (of: RunKeys['parameters'], key: string): readonly string[] => of.find((one) => one.key === key)?.values ?? [];
  return {
    keys: {
      metric: keys.metrics,
      parameter: keys.parameters.map(({ key }) => key),
      tag: keys.tags.map(({ key }) => key),
    },
    valuesOf: ({ entity, key }) =>
      entity === 'parameter'
        ? valuesIn(keys.parameters, key)
        : entity === 'tag'
          ? valuesIn(keys.tags, key)
          : entity === 'attribute' && key === 'status'
            ? words[kind].statuses
            : [],
  };
}

/** A filter in MLflow's grammar: says what may come next while it is written, and where it is wrong when it is applied. */
export function FilterBox({
  kind = 'run',
  value,
  keys,
  onApply,
}: {
  readonly kind?: Kind;
  readonly value: string;
  readonly keys: RunKeys | undefined;
  readonly onApply: (filter: string) => void;
}): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const [text, setText] = useState(value);
  const [cursor, setCursor] = useState(value.length);
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const [wrong, setWrong] = useState<{ readonly message: string; readonly at: number } | undefined>(undefined);
  useEffect(() => setText(value), [value]);
  const vocabulary = useMemo(() => vocabularyOf(kind, keys), [kind, keys]);
  const completion = useMemo(() => completeFilter(kind, text, cursor, vocabulary), [kind, text, cursor, vocabulary]);
  const options = open ? completion.texts.slice(0, 12) : [];

  const read = (): void => {
    const element = input.current;
    if (element === null) return;
    setText(element.value);
    setCursor(element.selectionStart ?? element.value.length);
    setChosen(-1);
    setWrong(undefined);
  };
  const take = (option: string): void => {
    const element = input.current;
    const isWhole = completion.kind === 'comparator' || (completion.kind === 'value' && !option.endsWith(' '));
    const put = `${option}${isWhole ? ' ' : completion.kind === 'field' && !option.endsWith('.') ? ' ' : ''}`;
    const next = text.slice(0, completion.from) + put + text.slice(completion.to);
    const at = completion.from + put.length;
    setText(next);
    setCursor(at);
    setChosen(-1);
    if (element === null) return;
    element.value = next;
    element.focus();
    element.setSelectionRange(at, at);
  };
  const apply = (): void => {
    const parsed = parseFilter(kind, text.trim());
    setOpen(false);
    if (parsed.ok) onApply(text.trim());
    else setWrong(parsed);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const option = options[chosen];
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setOpen(true);
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setChosen(Math.max(-1, Math.min(options.length - 1, chosen + step)));
    } else if ((event.key === 'Enter' || event.key === 'Tab') && option !== undefined) {
      event.preventDefault();
      take(option);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      apply();
    } else if (event.key === 'Escape' && open) {
      event.preventDefault();
      setOpen(false);
    }
  };
  return (
    <div class="filter-box">
      <label for={id} class="visually-hidden">
        {words[kind].label}
      </label>
      <input
        id={id}
        ref={input}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={options.length > 0}
        aria-controls={`${id}-options`}
        aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
        aria-invalid={wrong !== undefined}
        aria-describedby={wrong === undefined ? undefined : `${id}-wrong`}
        autocomplete="off"
        spellcheck={false}
        placeholder={words[kind].example}
        value={text}
        onInput={() => {
          read();
          setOpen(true);
        }}
        onClick={() => {
          read();
          setOpen(true);
        }}
        onKeyUp={(event) => {
          if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') read();
        }}
        onKeyDown={onKeyDown}
        onBlur={() => setOpen(false)}
      />
      <button type="button" onClick={apply}>
        Filter
      </button>
      {value !== '' && (
        <button type="button" class="plain" onClick={() => onApply('')}>
          Show all
        </button>
      )}
      <ul id={`${id}-options`} role="listbox" aria-label="What may come next" hidden={options.length === 0}>
        {options.map((option, at) => (
          <li
            key={option}
            id={`${id}-${at}`}
            role="option"
            aria-selected={at === chosen}
            onPointerDown={(event) => {
              event.preventDefault();
              take(option);
            }}
          >
            <code>{option}</code>
          </li>
        ))}
      </ul>
      {wrong !== undefined && (
        <div class="filter-wrong" id={`${id}-wrong`} role="alert">
          <p>{wrong.message}</p>
          <pre aria-hidden="true">
            {text}
            {'\n'}
            {' '.repeat(wrong.at)}^
          </pre>
          <p class="quiet">At character {wrong.at + 1}.</p>
        </div>
      )}
    </div>
  );
}
