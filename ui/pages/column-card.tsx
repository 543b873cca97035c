import type { JSX } from 'preact';
import type { ColumnProfile, ColumnSchema } from '#contract';
import { DistributionChart } from '../charts/distribution.tsx';
import { TopValues } from '../charts/histogram.tsx';
import { absoluteTime, number, percent } from '../lib/format.ts';
import { setQuery } from '../lib/router.ts';
import { Card, Facts } from '../parts/page.tsx';
import { type Check, CheckList } from './quality-card.tsx';

/** Everything about one column: how its values lie, what is expected of it, what the checks say. */
export function ColumnCard({
  column,
  rows,
  expected,
  checks,
}: {
  readonly column: ColumnProfile;
  readonly rows: number;
  readonly expected: ColumnSchema | undefined;
  readonly checks: readonly Check[];
}): JSX.Element {
  const { numeric, text, instants } = column;
  return (
    <Card
      title={`Column ${column.name}`}
      wide
      says={expected?.description}
      aside={
        <button type="button" class="plain" onClick={() => setQuery({ column: undefined })}>
          Close
        </button>
      }
    >
      <div class="column-detail">
        <div>
          {numeric !== undefined && <DistributionChart name={column.name} bins={numeric.histogram} marks={quartilesOf(numeric)} />}
          {text !== undefined && <TopValues top={text.top} rows={rows} all />}
          {instants !== undefined && (
            <p>
              {instants.first === undefined
                ? 'No instant.'
                : `${absoluteTime(instants.first)} to ${absoluteTime(instants.last ?? instants.first)}`}
            </p>
          )}
        </div>
        <Facts
          facts={[
            ['Type', column.type],
            ['Missing', column.missing === 0 ? 'none' : `${number(column.missing, 0)} (${percent(column.missing / Math.max(1, rows))})`],
            ['Distinct values', number(column.distinct, 0)],
            ...numberFacts(numeric),
            text === undefined ? undefined : ['Length', `${text.minLength} to ${text.maxLength} characters`],
            ...expectations(expected),
          ]}
        />
      </div>
      {checks.length > 0 && <CheckList checks={checks} />}
    </Card>
  );
}

function quartilesOf({ quantiles }: NonNullable<ColumnProfile['numeric']>): readonly { readonly name: string; readonly value: number }[] {
  const names: Readonly<Record<number, string>> = { 0.25: 'lower quartile', 0.5: 'median', 0.75: 'upper quartile' };
  return quantiles.flatMap(({ q, value }) => {
    const name = names[q];
    return name === undefined ? [] : [{ name, value }];
  });
}

function numberFacts(numeric: ColumnProfile['numeric']): readonly (readonly [string, string])[] {
  if (numeric === undefined || numeric.min === null || numeric.max === null) return [];
  return [
    ['Least, greatest', `${number(numeric.min)}, ${number(numeric.max)}`],
    ['Mean ± sd', `${number(numeric.mean ?? Number.NaN)} ± ${number(numeric.std ?? Number.NaN)}`],
    ['Zeros, negatives', `${number(numeric.zeros, 0)}, ${number(numeric.negatives, 0)}`],
    ['Quantiles', numeric.quantiles.map(({ q, value }) => `${percent(q)} ${number(value)}`).join(', ')],
  ];
}

/** What the reviewed schema says of the column, each expectation by its name there. */
function expectations(expected: ColumnSchema | undefined): readonly (readonly [string, string])[] {
  if (expected === undefined) return [];
  const { name: _name, type: _type, description: _description, ...rest } = expected;
  return Object.entries(rest).map(([key, value]) => [
    `Expected ${key}`,
    Array.isArray(value) ? value.join(', ') : typeof value === 'object' ? JSON.stringify(value) : String(value),
  ]);
}
