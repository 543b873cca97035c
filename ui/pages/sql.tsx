import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { DatasetVersion } from '#contract';
import { ApiError, send } from '../lib/api.ts';
import { counted, duration, shortDigest } from '../lib/format.ts';
import { datasetPath, recordPath } from '../lib/records.ts';
import { useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import type { RowsAnswer, SqlAnswer } from '../lib/shapes.ts';
import { placeOfError } from '../lib/sql-error.ts';
import { Card, Load, Page } from '../parts/page.tsx';
import { DigestText } from '../parts/values.tsx';
import { SqlResult } from './sql-result.tsx';

const rowLimits = [1000, 10_000];

type State =
  | { readonly is: 'quiet' }
  | { readonly is: 'running'; readonly stop: AbortController; readonly since: number }
  | { readonly is: 'answered'; readonly answer: SqlAnswer; readonly tookMs: number }
  | { readonly is: 'failed'; readonly error: ApiError; readonly sql: string };

/** Queries over a version: by the dataset's name, together with any other dataset. The query is in the address. */
export function SqlPage({ digest }: { readonly digest: string }): JSX.Element {
  const version = useResource<DatasetVersion>(`datasets/${digest}`);
  const shape = useResource<RowsAnswer>(`datasets/${digest}/rows?limit=1`);
  return (
    <Load of={version} what="This dataset version">
      {(data) => (
        <Page
          kind="SQL"
          title={`over ${data.dataset}${data.part === undefined ? '' : `, part ${data.part}`}`}
          crumbs={[
            { text: 'Data', href: '/data' },
            { text: data.dataset, href: datasetPath(data.dataset) },
            { text: shortDigest(data.digest), href: recordPath('dataset_version', data.digest) },
          ]}
          truth={
            <p>
              The table <code>{nameInSql(data.dataset)}</code> is this version, of <b>{counted(data.manifest.rows, 'row')}</b>; other
              datasets are tables by their names. Queries read, and change nothing.
            </p>
          }
        >
          <Load of={shape} what="The columns">
            {({ columns }) => <Editor version={data} columns={columns} />}
          </Load>
        </Page>
      )}
    </Load>
  );
}

/** A name as SQL takes it: in double quotes unless it is a plain word. */
function nameInSql(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function Editor({ version, columns }: { readonly version: DatasetVersion; readonly columns: RowsAnswer['columns'] }): JSX.Element {
  const asked = queryValue('q');
  const limit = rowLimits.find((one) => String(one) === queryValue('limit')) ?? 1000;
  const [sql, setSql] = useState(asked ?? `select *\nfrom ${nameInSql(version.dataset)}\nlimit 100`);
  const [state, setState] = useState<State>({ is: 'quiet' });
  const area = useRef<HTMLTextAreaElement>(null);
  const running = useRef<AbortController | undefined>(undefined);

  const run = async (text: string): Promise<void> => {
    running.current?.abort();
    const stop = new AbortController();
    running.current = stop;
    const since = performance.now();
    setQuery({ q: text });
    setState({ is: 'running', stop, since });
    try {
      const body = { sql: text, limit, timeoutMs: 60_000, versions: { [version.dataset]: version.digest } };
      const answer = await send<SqlAnswer>('POST', 'sql', body, stop.signal);
      if (running.current === stop) setState({ is: 'answered', answer, tookMs: performance.now() - since });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (running.current === stop)
        setState(error.code === 'CANCELLED' && stop.signal.aborted ? { is: 'quiet' } : { is: 'failed', error, sql: text });
    }
  };
  useEffect(() => {
    if (asked !== undefined) void run(asked);
    return () => running.current?.abort();
  }, []);

  const insert = (name: string): void => {
    const element = area.current;
    if (element === null) return;
    element.setRangeText(nameInSql(name), element.selectionStart, element.selectionEnd, 'end');
    setSql(element.value);
    element.focus();
  };
  const goTo = (offset: number): void => {
    area.current?.focus();
    area.current?.setSelectionRange(offset, offset + (/^\w+/.exec(sql.slice(offset))?.[0].length ?? 1));
  };

  return (
    <div class="cards">
      <Card title="Query" wide>
        <div class="sql">
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void run(sql);
            }}
          >
            <label class="field">
              <span class="visually-hidden">SQL</span>
              <textarea
                ref={area}
                class="sql-text"
                rows={Math.min(18, Math.max(6, sql.split('\n').length + 1))}
                value={sql}
                spellcheck={false}
                autocomplete="off"
                onInput={(event) => setSql(event.currentTarget.value)}
                onKeyDown={(event) => {
                  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
                  event.preventDefault();
                  void run(sql);
                }}
              />
            </label>
            <div class="inline-form sql-buttons">
              <button type="submit" class="primary" disabled={sql.trim() === ''}>
                Run
              </button>
              {state.is === 'running' && (
                <button type="button" onClick={() => state.stop.abort()}>
                  Cancel
                </button>
              )}
              <label>
                at most{' '}
                <select value={limit} onChange={(event) => setQuery({ limit: event.currentTarget.value })}>
                  {rowLimits.map((one) => (
                    <option key={one} value={one}>
                      {counted(one, 'row')}
                    </option>
                  ))}
                </select>
              </label>
              <span class="quiet">
                <kbd>Ctrl Enter</kbd> runs
              </span>
              <span role="status">{said(state)}</span>
            </div>
          </form>
          <section aria-label="Columns">
            <h3>{counted(columns.length, 'column')}</h3>
            <ul class="choices sql-columns">
              {columns.map(({ name, type, masked }) => (
                <li key={name}>
                  <button type="button" title={`Put ${name} into the query`} onClick={() => insert(name)}>
                    <span>{name}</span>
                    <span class="choice-count">{masked === true ? 'hidden' : type}</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        </div>
        {state.is === 'failed' && <SqlFailure error={state.error} sql={state.sql} goTo={goTo} />}
      </Card>
      {state.is === 'answered' && (
        <Card title="Result" wide says={<Meaning answer={state.answer} />}>
          <SqlResult answer={state.answer} />
        </Card>
      )}
    </div>
  );
}

function said(state: State): string {
  if (state.is === 'running') return 'running …';
  if (state.is !== 'answered') return '';
  const { rows, truncated } = state.answer;
  return `${truncated ? 'the first ' : ''}${counted(rows.length, 'row')} in ${duration(state.tookMs)}`;
}

/** What each table of the query was, and what of it is hidden. */
function Meaning({ answer }: { readonly answer: SqlAnswer }): JSX.Element {
  return (
    <>
      {answer.tables.map(({ name, version, masked }) => (
        <span key={name} class="truth-part">
          <code>{name}</code> is <DigestText digest={version} href={recordPath('dataset_version', version)} />
          {masked.length > 0 && `, with ${masked.join(', ')} hidden from you`}
        </span>
      ))}
    </>
  );
}

function SqlFailure({
  error,
  sql,
  goTo,
}: {
  readonly error: ApiError;
  readonly sql: string;
  readonly goTo: (offset: number) => void;
}): JSX.Element {
  const place = placeOfError(error.message, sql);
  return (
    <div class="failure sql-failure" role="alert">
      <p>
        <b>The query failed.</b>{' '}
        {place !== undefined && (
          <button type="button" class="plain" onClick={() => goTo(place.offset)}>
            line {place.line}, column {place.column}
          </button>
        )}
      </p>
      <pre tabIndex={0}>{error.message}</pre>
      {error.requestId !== undefined && (
        <p class="quiet">
          request <code>{error.requestId}</code>
        </p>
      )}
    </div>
  );
}
