import type { JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { SavedView } from '#contract';
import { send } from '../../lib/api.ts';
import { recordPath } from '../../lib/records.ts';
import { type Page as PageOf, useResource } from '../../lib/resource.ts';
import { navigate, search } from '../../lib/router.ts';
import { may, who } from '../../lib/session.ts';
import { Action } from '../../parts/action.tsx';
import { Load, Page } from '../../parts/page.tsx';
import { Table } from '../../parts/table.tsx';
import { Copy, When, Who } from '../../parts/values.tsx';

const tablePath = ({ experiment, query }: Pick<SavedView, 'experiment' | 'query'>): string =>
  `${experiment === undefined ? '/experiments' : recordPath('experiment', experiment)}${query === '' ? '' : `?${query}`}`;

/** Saved views of a table of runs: one is chosen, the present one saved, all of them listed. @param experiment undefined: of all */
export function ViewTools({ experiment }: { readonly experiment: string | undefined }): JSX.Element {
  const asked = experiment === undefined ? '' : `&experiment=${encodeURIComponent(experiment)}`;
  const views = useResource<PageOf<SavedView>>(`views?limit=1000${asked}`, ['view.']);
  const [listing, setListing] = useState(false);
  const own = (views.data?.items ?? []).filter((view) => view.experiment === experiment);
  const here = search.value.replace(/^\?/, '');
  const shown = own.find(({ query }) => query === here);
  return (
    <>
      {own.length > 0 && (
        <>
          <label>
            <span class="visually-hidden">Saved view</span>
            <select
              value={shown?.id ?? ''}
              onChange={(event) => {
                const chosen = own.find(({ id }) => id === event.currentTarget.value);
                if (chosen !== undefined) navigate(tablePath(chosen));
              }}
            >
              <option value="">views…</option>
              {own.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <button type="button" class="plain" onClick={() => setListing(true)}>
            All views
          </button>
        </>
      )}
      <Action
        label="Save view"
        permission="log"
        explain={
          <p>
            Filter, columns, order, groups and lines, as they are now, under a name that everybody sees. Your own view of this name is
            replaced.
          </p>
        }
        statement={{ label: 'Name', hint: 'best first' }}
        act={(name) => send('PUT', 'views', { name, ...(experiment === undefined ? {} : { experiment }), query: here })}
      />
      {listing && <ViewDialog views={own} close={() => setListing(false)} />}
    </>
  );
}

function ViewDialog({ views, close }: { readonly views: readonly SavedView[]; readonly close: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="dialog columns" aria-labelledby={title} onClose={close}>
      <h2 id={title}>Saved views</h2>
      <Table
        name="views"
        caption="Saved views"
        rows={views}
        rowKey={({ id }) => id}
        filterable={false}
        columns={[
          { key: 'name', head: 'View', value: ({ name }) => name, cell: (view) => <a href={tablePath(view)}>{view.name}</a> },
          { key: 'by', head: 'By', value: ({ by }) => by.name, cell: ({ by }) => <Who actor={by} /> },
          { key: 'at', head: 'Changed', value: ({ updatedAt }) => updatedAt, cell: ({ updatedAt }) => <When at={updatedAt} /> },
          {
            key: 'link',
            head: 'Link',
            value: ({ id }) => id,
            cell: ({ id, name }) => <Copy text={`${location.origin}${recordPath('view', id)}`} what={`link to ${name}`} />,
          },
          {
            key: 'do',
            head: 'Do',
            value: () => undefined,
            cell: ({ id, name, by }) =>
              (by.identity === who.value?.identity.id || may('administer')) && (
                <Action
                  label="Delete"
                  permission="log"
                  explain={<p>“{name}” goes for everybody. Links to it lead nowhere then; the runs stay as they are.</p>}
                  act={() => send('DELETE', `views/${encodeURIComponent(id)}`)}
                />
              ),
          },
        ]}
      />
      <div class="dialog-buttons">
        <button type="button" onClick={() => dialog.current?.close()}>
          Done
        </button>
      </div>
    </dialog>
  );
}

/** The address of a saved view: it opens the table as the view says. */
export function ViewPage({ id }: { readonly id: string }): JSX.Element {
  const view = useResource<SavedView>(`views/${encodeURIComponent(id)}`);
  useEffect(() => {
    if (view.data !== undefined) navigate(tablePath(view.data), { replace: true });
  }, [view.data]);
  return (
    <Page title={view.data?.name ?? 'Saved view'} kind="View" crumbs={[{ text: 'Experiments', href: '/experiments' }]}>
      <Load of={view} what="The view">
        {({ name }) => <p class="quiet">“{name}” opens.</p>}
      </Load>
    </Page>
  );
}
