import type { JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ownColumns, type RunView } from '../lib/run-view.ts';
import type { RunKeys } from '../lib/tracking-shapes.ts';

type Chosen = Pick<RunView, 'pinned' | 'sparks'> & { readonly columns: readonly string[] };

const mostOffered = 60;

/** Which columns a table of runs has, in which order, which stay in sight, and which metrics are drawn as lines. */
export function ColumnDialog({
  chosen,
  keys,
  onChange,
  close,
}: {
  readonly chosen: Chosen;
  readonly keys: RunKeys | undefined;
  readonly onChange: (chosen: Partial<Chosen>) => void;
  readonly close: () => void;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const [wanted, setWanted] = useState('');
  useEffect(() => dialog.current?.showModal(), []);
  const { columns, pinned, sparks } = chosen;
  const all = [
    ...ownColumns.map(({ id }) => id),
    ...(keys?.metrics ?? []).map((key) => `metrics.${key}`),
    ...(keys?.parameters ?? []).map(({ key }) => `params.${key}`),
    ...(keys?.tags ?? []).map(({ key }) => `tags.${key}`),
  ];
  const matching = all.filter((id) => !columns.includes(id) && id.toLowerCase().includes(wanted.toLowerCase()));
  const typed = /^(metrics|params|tags)\../.test(wanted) && !all.includes(wanted) ? [wanted] : [];
  const flip = (list: readonly string[], id: string): readonly string[] =>
    list.includes(id) ? list.filter((one) => one !== id) : [...list, id];
  const move = (at: number, by: -1 | 1): void => {
    const next = [...columns];
    const [moved] = next.splice(at, 1);
    if (moved !== undefined) next.splice(at + by, 0, moved);
    onChange({ columns: next });
  };
  return (
    <dialog ref={dialog} class="dialog columns" aria-labelledby={title} onClose={close}>
      <h2 id={title}>Columns</h2>
      <ol class="column-list" aria-label="Columns of the table" tabIndex={0}>
        {columns.map((id, at) => (
          <li key={id}>
            <span class="column-name">{nameOf(id)}</span>
            <button
              type="button"
              class="chip"
              aria-pressed={pinned.includes(id)}
              aria-label={`Pin ${id}`}
              onClick={() => onChange({ pinned: flip(pinned, id) })}
            >
              pin
            </button>
            {id.startsWith('metrics.') && (
              <button
                type="button"
                class="chip"
                aria-pressed={sparks.includes(id)}
                aria-label={`Line of ${id}`}
                onClick={() => onChange({ sparks: flip(sparks, id) })}
              >
                line
              </button>
            )}
            <button type="button" class="plain" disabled={at === 0} aria-label={`Move ${id} up`} onClick={() => move(at, -1)}>
              ↑
            </button>
            <button
              type="button"
              class="plain"
              disabled={at === columns.length - 1}
              aria-label={`Move ${id} down`}
              onClick={() => move(at, 1)}
            >
              ↓
            </button>
            <button
              type="button"
              class="plain"
              aria-label={`Take ${id} away`}
              onClick={() => onChange({ columns: columns.filter((one) => one !== id) })}
            >
              ×
            </button>
          </li>
        ))}
      </ol>
      <label class="field">
        <span>Add a column</span>
        <input type="search" value={wanted} placeholder="metrics.loss" onInput={(event) => setWanted(event.currentTarget.value)} />
      </label>
      <ul class="column-list" aria-label="Columns to add" tabIndex={0}>
        {[...typed, ...matching.slice(0, mostOffered)].map((id) => (
          <li key={id}>
            <button type="button" class="plain" onClick={() => onChange({ columns: [...columns, id] })}>
              + {nameOf(id)}
            </button>
          </li>
        ))}
        {matching.length > mostOffered && <li class="quiet">{matching.length - mostOffered} more: write a part of the name</li>}
      </ul>
      <div class="dialog-buttons">
        <button type="button" onClick={() => dialog.current?.close()}>
          Done
        </button>
      </div>
    </dialog>
  );
}

function nameOf(id: string): string {
  return ownColumns.find((own) => own.id === id)?.head ?? id;
}
