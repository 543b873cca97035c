import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { navigate } from '../lib/router.ts';
import { type Found, matching, searchable } from './search-records.ts';
import { groups } from './rail.tsx';

const pages: readonly Found[] = groups.flatMap(({ places }) => places.map(({ text, href }) => ({ kind: 'page', text, id: href, href })));

/** Any record by name, id or digest, and any page. */
export function Search({ close }: { readonly close: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [wanted, setWanted] = useState('');
  const [records, setRecords] = useState<readonly Found[]>([]);
  const [loading, setLoading] = useState(true);
  const [at, setAt] = useState(0);
  useEffect(() => {
    dialog.current?.showModal();
    let gone = false;
    void searchable().then((found) => {
      if (gone) return;
      setRecords(found);
      setLoading(false);
    });
    return () => {
      gone = true;
    };
  }, []);
  const shown = matching([...pages, ...records], wanted).slice(0, 12);
  const open = (found: Found | undefined): void => {
    if (found === undefined) return;
    dialog.current?.close();
    navigate(found.href);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt(Math.max(0, Math.min(shown.length - 1, at + step)));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      open(shown[at]);
    }
  };
  return (
    <dialog ref={dialog} class="dialog search" aria-label="Search" onClose={close}>
      <input
        type="text"
        role="combobox"
        aria-label="Search by name, id or digest"
        aria-expanded="true"
        aria-controls="found"
        aria-activedescendant={shown[at] === undefined ? undefined : `found-${at}`}
        aria-autocomplete="list"
        placeholder="Name, id or digest"
        autocomplete="off"
        spellcheck={false}
        value={wanted}
        onInput={(event) => {
          setWanted(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="found" role="listbox" aria-label="Found">
        {shown.map((found, index) => (
          <li
            key={found.kind + found.id}
            id={`found-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => open(found)}
            onMouseMove={() => setAt(index)}
          >
            <span class="found-kind">{found.kind}</span>
            <span class="found-text">{found.text}</span>
            <code>{found.kind === 'page' ? found.href : found.id.slice(0, 16)}</code>
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p class="quiet">{loading ? 'Looking…' : `No record is named “${wanted}”.`}</p>}
    </dialog>
  );
}
