import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

const keys: readonly (readonly [string, string])[] = [
  ['Ctrl K  or  /', 'search any record'],
  ['g then l', 'loop'],
  ['g then d, p, e, m', 'data, pipelines, experiments, models'],
  ['g then c, r', 'certification, releases'],
  ['g then h, a, u', 'health, alerts, audit'],
  ['j, k', 'next row, row before'],
  ['x', 'select the run'],
  ['Enter', 'open the row'],
  ['Esc', 'close what is open'],
  ['?', 'these keys'],
];

/** The keys that work on every page. */
export function KeyHelp({ close }: { readonly close: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="keys-title" onClose={close}>
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">
        {keys.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <div class="dialog-buttons">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </dialog>
  );
}
