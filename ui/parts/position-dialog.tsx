import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { counted, number } from '../lib/format.ts';
import { queryValue, setQuery } from '../lib/router.ts';

/** The position of a list that the address names under this parameter; undefined where it names none. */
export function positionIn(parameter: string, total: number): number | undefined {
  const position = Number(queryValue(parameter) ?? Number.NaN);
  return Number.isSafeInteger(position) && position >= 0 && position < total ? position : undefined;
}

export interface PositionDialogProps {
  /** Of the address, and what one item is called: `image`. */
  readonly parameter: string;
  readonly label: string;
  readonly position: number;
  readonly total: number;
  readonly children: ComponentChildren;
}

/** One item of a list over the page: the arrows, j and k and two buttons go to the ones beside it, in the address as well. */
export function PositionDialog({ parameter, label, position, total, children }: PositionDialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const go = (to: number): void => {
    if (to >= 0 && to < total) setQuery({ [parameter]: String(to) });
  };
  return (
    <dialog
      ref={dialog}
      class="dialog image-dialog"
      aria-label={label}
      onClose={() => setQuery({ [parameter]: undefined })}
      onKeyDown={(event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1, j: 1, k: -1 }[event.key];
        if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        go(position + by);
      }}
    >
      {children}
      <div class="dialog-buttons">
        <span class="quiet" role="status">
          {number(position + 1, 0)} of {counted(total, parameter)}
        </span>
        <button type="button" disabled={position === 0} onClick={() => go(position - 1)}>
          Before
        </button>
        <button type="button" disabled={position === total - 1} onClick={() => go(position + 1)}>
          Next
        </button>
        <button type="button" class="primary" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
