import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Run } from '#contract';
import { ApiError, send } from '../../lib/api.ts';
import { counted, plain } from '../../lib/format.ts';
import { onEvents } from '../../lib/live.ts';
import type { Page as PageOf } from '../../lib/resource.ts';
import { recordPath } from '../../lib/records.ts';
import { queryValue, setQuery } from '../../lib/router.ts';
import { Card, Empty, Failure, Page, Skeleton } from '../../parts/page.tsx';
import { Table } from '../../parts/table.tsx';
import { mostCompared } from './compare-path.ts';
import { GroupCard } from './group-card.tsx';
import { ImagesCard } from './images-card.tsx';
import { MadeFromCards } from './made-from.tsx';
import { pairOf } from './pair.tsx';
import { ParameterCard } from './parameter-card.tsx';
import { RunCharts } from './run-charts.tsx';

/** So many stand side by side; more are drawn as lines only. */
const mostBeside = 20;

/** Runs over each other as lines, and side by side: what differs first. */
export function ComparePage(): JSX.Element {
  const ids = (queryValue('runs') ?? '')
    .split(',')
    .filter((id) => id !== '')
    .slice(0, mostCompared);
  const { runs, error, retry } = useRuns(ids);
  return (
    <Page
      title={`Compare ${counted(ids.length, 'run')}`}
      crumbs={[{ text: 'Experiments', href: '/experiments' }]}
      truth={
        runs !== undefined &&
        runs.length > 0 && (
          <>
            <p>{differing(runs)}</p>
            <p>
              {runs.slice(0, mostBeside).map((run) => (
                <span key={run.id} class="truth-part">
                  <a href={recordPath('run', run.id)}>{run.name || run.id.slice(-8)}</a>
                </span>
              ))}
            </p>
          </>
        )
      }
    >
      {ids.length === 0 ? (
        <Empty title="No run is chosen.">
          Select runs in the table of an <a href="/experiments">experiment</a> (x), then Compare.
        </Empty>
      ) : error !== undefined ? (
        <Failure error={error} retry={retry} what="The runs" />
      ) : runs === undefined ? (
        <Skeleton />
      ) : (
        <Compared runs={runs} />
      )}
    </Page>
  );
}

function Compared({ runs }: { readonly runs: readonly Run[] }): JSX.Element {
  const charted = runs.map(({ id, name, status, parameters }) => ({
    id,
    name: name || id.slice(-8),
    running: status === 'RUNNING',
    parameters,
  }));
  const metrics = namesBy(runs.map((run) => Object.keys(run.metrics)));
  const beside = runs.slice(0, mostBeside);
  const pair = pairOf(beside);
  return (
    <div class="cards">
      <RunCharts runs={charted} metrics={metrics} />
      <ParameterCard runs={runs} metrics={metrics} />
      <GroupCard runs={runs} metrics={metrics} />
      {runs.length > mostBeside && <p class="says">The first {mostBeside} stand side by side.</p>}
      <Beside title="Parameters" runs={beside} of={({ parameters }) => parameters} />
      <Beside title="Metrics" runs={beside} of={({ metrics: own }) => own} />
      <Beside
        title="Tags"
        runs={beside}
        of={({ tags }) => Object.fromEntries(Object.entries(tags).filter(([key]) => key !== 'mlflow.note.content'))}
      />
      <Beside title="Made from" runs={beside} of={origin} />
      {pair !== undefined && <MadeFromCards runs={beside} pair={pair} />}
      {pair !== undefined && <ImagesCard runs={beside} pair={pair} />}
    </div>
  );
}

/** Code, data and environment of a run under names that can be compared. */
function origin(run: Run): Readonly<Record<string, unknown>> {
  return {
    commit: run.code.commit ?? undefined,
    'changes not committed': run.code.dirty ? (run.code.patch?.slice(0, 12) ?? 'yes') : 'no',
    seed: run.seed,
    trainer: run.trainer,
    ...Object.fromEntries(run.inputs.map(({ role, name, digest }) => [role, `${name} ${digest.slice(0, 12)}`])),
    ...(run.environment === undefined
      ? {}
      : {
          gyre: run.environment.gyre,
          node: run.environment.node,
          platform: run.environment.platform,
          'lock file': run.environment.lock.slice(0, 12),
        }),
  };
}

interface Line {
  readonly key: string;
  readonly values: readonly unknown[];
  readonly differs: boolean;
}

function linesOf(runs: readonly Run[], of: (run: Run) => Readonly<Record<string, unknown>>): readonly Line[] {
  const members = runs.map(of);
  const lines = namesBy(members.map((own) => Object.keys(own))).map((key) => {
    const values = members.map((own) => own[key]);
    return { key, values, differs: new Set(values).size > 1 };
  });
  return [...lines.filter(({ differs }) => differs), ...lines.filter(({ differs }) => !differs)];
}

const namesBy = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())].sort((a, b) => a.localeCompare(b));

function differing(runs: readonly Run[]): string {
  const differ = (of: (run: Run) => Readonly<Record<string, unknown>>): number => linesOf(runs, of).filter((line) => line.differs).length;
  const parameters = differ(({ parameters: own }) => own);
  const made = differ(origin);
  return `${parameters === 0 ? 'No parameter differs' : `${counted(parameters, 'parameter')} ${parameters === 1 ? 'differs' : 'differ'}`}; code, data and environment ${made === 0 ? 'are the same' : `differ in ${counted(made, 'point')}`}.`;
}

function Beside({
  title,
  runs,
  of,
}: {
  readonly title: string;
  readonly runs: readonly Run[];
  readonly of: (run: Run) => Readonly<Record<string, unknown>>;
}): JSX.Element | null {
  const lines = linesOf(runs, of);
  const onlyDiffering = queryValue('show') === 'differing';
  const shown = onlyDiffering ? lines.filter(({ differs }) => differs) : lines;
  if (lines.length === 0) return null;
  return (
    <Card
      title={title}
      wide
      aside={
        <label>
          <input type="checkbox" checked={onlyDiffering} onChange={() => setQuery({ show: onlyDiffering ? undefined : 'differing' })} />{' '}
          only what differs
        </label>
      }
    >
      <Table
        name={title.toLowerCase().replaceAll(' ', '-')}
        caption={title}
        rows={shown}
        rowKey={({ key }) => key}
        marked={({ differs }) => differs}
        columns={[
          { key: 'key', head: 'Name', value: ({ key }) => key },
          ...runs.map((run, at) => ({
            key: run.id,
            head: run.name || run.id.slice(-8),
            number: title === 'Metrics',
            value: ({ values }: Line) => cell(values[at]),
            cell: ({ values }: Line) => plain(values[at]),
          })),
        ]}
      />
      {shown.length === 0 && <p class="quiet">Nothing differs.</p>}
    </Card>
  );
}

const cell = (value: unknown): string | number | undefined =>
  typeof value === 'number' || typeof value === 'string' || value === undefined ? value : JSON.stringify(value);

/** Records of runs, asked for at once and again after events of runs. */
function useRuns(ids: readonly string[]): {
  readonly runs: readonly Run[] | undefined;
  readonly error: ApiError | undefined;
  readonly retry: () => void;
} {
  const [runs, setRuns] = useState<readonly Run[] | undefined>(undefined);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const [turn, setTurn] = useState(0);
  const key = ids.join(',');
  useEffect(() => onEvents(['run.finished', 'run.deleted', 'run.restored'], () => setTurn((count) => count + 1)), []);
  useEffect(() => {
    const stopped = new AbortController();
    if (ids.length === 0) return undefined;
    send<PageOf<Run>>('POST', 'runs/records', { runs: ids }, stopped.signal)
      .then(({ items }) => {
        setRuns(items);
        setError(undefined);
      })
      .catch((cause: unknown) => {
        if (!(cause instanceof ApiError)) throw cause;
        if (cause.code !== 'CANCELLED') setError(cause);
      });
    return () => stopped.abort();
  }, [key, turn]);
  return { runs, error, retry: () => setTurn((count) => count + 1) };
}
