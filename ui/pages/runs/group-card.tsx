import type { JSX } from 'preact';
import type { Run } from '#contract';
import { Bars } from '../../charts/bars.tsx';
import { Boxes } from '../../charts/boxes.tsx';
import { boxFigures } from '../../lib/box-figures.ts';
import { plain } from '../../lib/format.ts';
import { queryValue, setQuery } from '../../lib/router.ts';
import { Choice, named } from '../../parts/choice.tsx';
import { Card } from '../../parts/page.tsx';

const mostGroups = 30;

/** The last value of a metric in the groups of a parameter, as boxes or as bars. */
export function GroupCard({ runs, metrics }: { readonly runs: readonly Run[]; readonly metrics: readonly string[] }): JSX.Element | null {
  const parameters = [...new Set(runs.flatMap(({ parameters: own }) => Object.keys(own)))]
    .filter((name) => new Set(runs.map(({ parameters: own }) => own[name])).size > 1)
    .sort((a, b) => a.localeCompare(b));
  const metric = chosen('result', metrics);
  const by = chosen('across', parameters);
  if (metric === undefined || by === undefined) return null;
  const isBar = queryValue('shape') === 'bar';
  const values = runs.flatMap(({ parameters: own, metrics: last }) =>
    last[metric] === undefined ? [] : [{ group: own[by] === undefined ? 'without it' : plain(own[by]), value: last[metric] }],
  );
  return (
    <Card
      title="A metric by groups"
      wide
      says={
        isBar
          ? 'The mean of the last values in each group; the whisker is one standard deviation to each side.'
          : 'The last values in each group: median, quartiles, and whiskers to the last value within one and a half boxes.'
      }
      aside={
        <div class="table-tools">
          <LabelledChoice label="Metric of the groups" name="result" value={metric} options={metrics} />
          <LabelledChoice label="Groups by" name="across" value={by} options={parameters} prefix="by " />
          <LabelledChoice label="Shape" name="shape" value={isBar ? 'bar' : 'box'} options={['box', 'bar']} />
        </div>
      }
    >
      <GroupFigure values={values} metric={metric} by={by} isBar={isBar} />
    </Card>
  );
}

/** Values of a metric by their group, as boxes or as bars with whiskers of one standard deviation. */
export function GroupFigure({
  values,
  metric,
  by,
  isBar,
}: {
  readonly values: readonly { readonly group: string; readonly value: number }[];
  readonly metric: string;
  readonly by: string;
  readonly isBar: boolean;
}): JSX.Element {
  const groups = boxFigures(values);
  const shown = groups.slice(0, mostGroups);
  if (shown.length === 0) return <p class="quiet">None of these runs has this metric.</p>;
  return (
    <>
      {isBar ? (
        <Bars
          label={`Mean of ${metric} by ${by}`}
          unit={metric}
          file="runs-bars"
          bars={shown.map(({ group, mean, deviation, values: own }) => ({
            name: `${group} (${own.length})`,
            value: mean,
            spread: deviation,
          }))}
        />
      ) : (
        <Boxes groups={shown} metric={metric} by={by} file="runs-boxes" />
      )}
      {groups.length > shown.length && <p class="quiet">The first {mostGroups} groups are shown.</p>}
    </>
  );
}

/** What the address names, where there is such a one; else the first. */
function chosen(name: string, options: readonly string[]): string | undefined {
  const asked = queryValue(name);
  return asked !== undefined && options.includes(asked) ? asked : options[0];
}

function LabelledChoice({
  label,
  name,
  value,
  options,
  prefix = '',
}: {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly options: readonly string[];
  readonly prefix?: string;
}): JSX.Element {
  return (
    <label>
      <span class="visually-hidden">{label}</span>
      <Choice value={value} hint={label} options={named(options, prefix)} onChoose={(chosen) => setQuery({ [name]: chosen })} />
    </label>
  );
}
