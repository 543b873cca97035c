import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Permission } from '#contract';
import { ApiError } from '../lib/api.ts';
import { lacks } from '../lib/session.ts';

export interface ActionProps {
  readonly label: string;
  readonly permission: Permission;
  /** Why it cannot be done now, beyond the person's role: each a reason in words. */
  readonly missing?: readonly string[];
  /** What it will do, on what, with which evidence: shown before it is done. */
  readonly explain: ComponentChildren;
  /** Asks for words that are kept with the record, or for one of some. */
  readonly statement?: { readonly label: string; readonly hint: string; readonly initial?: string; readonly choices?: readonly string[] };
  /** The word that has to be typed for what cannot be undone. */
  readonly confirmWord?: string;
  readonly primary?: boolean;
  readonly act: (statement: string) => Promise<unknown>;
}

/** A button for something that changes records: says what is missing while it cannot be done, and what it does before it is done. */
export function Action(props: ActionProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const id = useId();
  const role = lacks(props.permission);
  const missing = [...(role === undefined ? [] : [role]), ...(props.missing ?? [])];
  const disabled = missing.length > 0;
  return (
    <div class="action">
      <button
        type="button"
        class={props.primary === true ? 'primary' : undefined}
        aria-disabled={disabled}
        aria-describedby={disabled ? id : undefined}
        onClick={() => setOpen(!disabled)}
      >
        {props.label}
      </button>
      {disabled && (
        <ul class="missing" id={id}>
          {missing.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {open && <ActionDialog {...props} close={() => setOpen(false)} />}
    </div>
  );
}

function ActionDialog(props: ActionProps & { readonly close: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState(props.statement?.initial ?? '');
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  useEffect(() => dialog.current?.showModal(), []);
  const title = useId();
  const incomplete =
    (props.statement !== undefined && text.trim() === '') || (props.confirmWord !== undefined && typed !== props.confirmWord);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || incomplete) return;
    setBusy(true);
    setError(undefined);
    try {
      await props.act(text.trim());
      props.close();
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={title} onClose={props.close}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id={title}>{props.label}</h2>
        <div class="dialog-body">{props.explain}</div>
        {props.statement !== undefined && (
          <label class="field">
            <span>{props.statement.label}</span>
            {props.statement.choices === undefined ? (
              <textarea
                rows={3}
                value={text}
                required
                onInput={(event) => setText(event.currentTarget.value)}
                placeholder={props.statement.hint}
              />
            ) : (
              <select value={text} onChange={(event) => setText(event.currentTarget.value)}>
                {props.statement.choices.map((choice) => (
                  <option key={choice}>{choice}</option>
                ))}
              </select>
            )}
          </label>
        )}
        {props.confirmWord !== undefined && (
          <label class="field">
            <span>
              Type <b>{props.confirmWord}</b> to confirm
            </span>
            <input value={typed} onInput={(event) => setTyped(event.currentTarget.value)} autocomplete="off" />
          </label>
        )}
        {error !== undefined && (
          <p class="failure" role="alert">
            {error.message}
            {error.requestId !== undefined && (
              <span class="quiet">
                {' '}
                request <code>{error.requestId}</code>
              </span>
            )}
          </p>
        )}
        <div class="dialog-buttons">
          <button type="button" onClick={props.close}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy || incomplete}>
            {busy ? 'Working…' : props.label}
          </button>
        </div>
      </form>
    </dialog>
  );
}
