import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Run, RunCheckout } from '#contract';
import { apiUrl } from '../../lib/api.ts';
import { counted } from '../../lib/format.ts';
import { packageDifferences, packagesIn } from '../../lib/packages.ts';
import { recordPath } from '../../lib/records.ts';
import { useResource } from '../../lib/resource.ts';
import { Card } from '../../parts/page.tsx';
import { Table } from '../../parts/table.tsx';
import { CodeDifference } from './code-card.tsx';
import { nameOf, type Pair, PairChoice } from './pair.tsx';

/** How two runs differ in what they were made from: code line by line, packages, dataset versions. */
export function MadeFromCards({ runs, pair }: { readonly runs: readonly Run[]; readonly pair: Pair }): JSX.Element {
  const { left, right } = pair;
  return (
    <>
      <Card title="Code" wide aside={<PairChoice runs={runs} pair={pair} />}>
        <CodeDifference key={left.id + right.id} from={left.id} to={right.id} />
      </Card>
      <DataCard pair={pair} />
      <PackagesCard key={right.id + left.id} pair={pair} />
    </>
  );
}

interface DataLine {
  readonly role: string;
  readonly left: Run['inputs'][number] | undefined;
  readonly right: Run['inputs'][number] | undefined;
}

/** Dataset versions side by side; two of them are compared on a page of their own. */
function DataCard({ pair: { left, right } }: { readonly pair: Pair }): JSX.Element | null {
  const roles = [...new Set([...left.inputs, ...right.inputs].map(({ role }) => role))].filter((role) => role !== 'transform');
  if (roles.length === 0) return null;
  const of = (run: Run, role: string): DataLine['left'] => run.inputs.find((input) => input.role === role);
  const rows = roles.map((role): DataLine => ({ role, left: of(left, role), right: of(right, role) }));
  const version = (input: DataLine['left']): JSX.Element =>
    input === undefined ? (
      <span class="quiet">—</span>
    ) : (
      <a href={recordPath('dataset_version', input.digest)}>
        {input.name} {input.digest.slice(0, 12)}
      </a>
    );
  return (
    <Card title="Data">
      <Table
        name="compared-data"
        caption="Dataset versions of both runs"
        rows={rows}
        rowKey={({ role }) => role}
        marked={(row) => row.left?.digest !== row.right?.digest}
        columns={[
          { key: 'role', head: 'For', value: ({ role }) => role },
          { key: 'left', head: nameOf(left), value: (row) => row.left?.digest, cell: (row) => version(row.left) },
          { key: 'right', head: nameOf(right), value: (row) => row.right?.digest, cell: (row) => version(row.right) },
          {
            key: 'how',
            head: 'Difference',
            value: (row) => (row.left?.digest === row.right?.digest ? 0 : 1),
            cell: (row) =>
              row.left === undefined || row.right === undefined ? (
                'only one has it'
              ) : row.left.digest === row.right.digest ? (
                'none'
              ) : (
                <a href={`/data/${row.left.digest}/diff/${row.right.digest}`}>rows that differ</a>
              ),
          },
        ]}
      />
    </Card>
  );
}

/** Packages of the environments that both runs logged. */
function PackagesCard({ pair: { left, right } }: { readonly pair: Pair }): JSX.Element | null {
  const [before, after] = [usePackages(left), usePackages(right)];
  if (before === undefined || after === undefined || (before.size === 0 && after.size === 0)) return null;
  const differences = packageDifferences(before, after);
  return (
    <Card
      title="Environment"
      says={
        differences.length === 0
          ? `The ${counted(before.size, 'package')} that both logged are the same.`
          : `${counted(differences.length, 'package')} ${differences.length === 1 ? 'differs' : 'differ'}.`
      }
    >
      {differences.length > 0 && (
        <Table
          name="packages"
          caption="Packages that differ"
          rows={differences}
          rowKey={({ name }) => name}
          columns={[
            { key: 'name', head: 'Package', value: ({ name }) => name },
            { key: 'left', head: nameOf(left), value: (one) => one.left ?? 'not there' },
            { key: 'right', head: nameOf(right), value: (one) => one.right ?? 'not there' },
          ]}
        />
      )}
    </Card>
  );
}

const mostFileBytes = 1_000_000;

/** What the run's requirements or conda files name; undefined while they come. */
function usePackages(run: Run): ReadonlyMap<string, string> | undefined {
  const checkout = useResource<RunCheckout>(`runs/${encodeURIComponent(run.id)}/checkout`);
  const [packages, setPackages] = useState<ReadonlyMap<string, string> | undefined>(undefined);
  const files = checkout.data?.environment.files.filter(
    ({ path, size }) => /(requirements\.txt|conda\.ya?ml)$/.test(path) && size <= mostFileBytes,
  );
  const key = files?.map(({ path, digest }) => path + digest).join(' ');
  useEffect(() => {
    if (files === undefined) return undefined;
    const stopped = new AbortController();
    const texts = files.map(async ({ path, of }) => {
      const record = of === undefined ? `runs/${encodeURIComponent(run.id)}` : `logged-models/${encodeURIComponent(of)}`;
      const address = path.split('/').map(encodeURIComponent).join('/');
      const response = await fetch(apiUrl(`${record}/artifacts/${address}`), { signal: stopped.signal });
      return response.ok ? response.text() : '';
    });
    Promise.all(texts).then(
      (all) => setPackages(new Map(all.flatMap((text) => [...packagesIn(text)]))),
      () => undefined,
    );
    return () => stopped.abort();
  }, [key]);
  return packages;
}
