import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import type { FilterCondition } from '#contract';
import { GyreError } from '#core';
import type { Db } from '#store';
import type { MetricNames } from '../metric-names-store.ts';
import { indexedLength, startOf } from '../tables.ts';
import { compared, operatorOf } from './compare-store.ts';
import { ownArtifacts, ownRunId, runNameTag } from './words.ts';

type Predicate = RawBuilder<SqlBool>;

/** A condition as a query over runs (`r`) asks it. */
export interface RunCondition {
  /** It asks of experiments (`e`) as well. */
  readonly ofExperiment?: true;
  /** Asked of one run after the other. */
  readonly holds: Predicate;
  /** The runs that it holds for, from an index of its own; absent where no index leads to them. */
  readonly runs?: RawBuilder<unknown>;
}

/** Makes the conditions of a filter into SQL; a metric that no run has is looked up here. */
export function runConditions(db: Db, names: MetricNames, conditions: readonly FilterCondition[]): Promise<RunCondition[]> {
  return Promise.all(conditions.map((condition) => runCondition(db, names, condition)));
}

async function runCondition(db: Db, names: MetricNames, condition: FilterCondition): Promise<RunCondition> {
  switch (condition.entity) {
    case 'metric':
      return metricCondition(db, await names.find(db, condition.key), condition);
    case 'parameter':
      return keyedCondition(db, 'parameters', condition);
    case 'tag':
      return condition.key === runNameTag ? { holds: compared(db, 'r.name', condition) } : keyedCondition(db, 'tags', condition);
    case 'dataset': {
      const column = condition.key === 'context' ? 'x.context' : `d.${condition.key === 'digest' ? 'digest' : 'name'}`;
      const used = sql`select x.run from run_datasets x join tracked_datasets d on d.id = x.dataset where ${compared(db, column, condition)}`;
      return { holds: sql`exists (${used} and x.run = r.position)`, runs: used };
    }
    case 'attribute':
      return attributeCondition(db, condition);
  }
}

function metricCondition(db: Db, name: number | undefined, { comparator, value }: FilterCondition): RunCondition {
  if (name === undefined) return { holds: sql`1 = 0`, runs: sql`select position from runs where 1 = 0` };
  const wanted = sql`${operatorOf(comparator)} ${value}`;
  const own = sql`select 1 from metric_latest m where m.run = r.position and m.name = ${name}`;
  // What is no number differs from every number, and compares with none, as MLflow has it.
  if (comparator === '!=') return { holds: sql`exists (${own} and (m.is_nan or m.value != ${value}))` };
  const found = sql`select m.run from metric_latest m where m.name = ${name} and m.is_nan = ${false} and m.value ${wanted}`;
  // Aside, which keeps the database to the run's own rows: the index by value would be read for every run again.
  return { holds: sql`exists (${own} and not m.is_nan and ${db.aside('m.value')} ${wanted})`, runs: found };
}

function keyedCondition(db: Db, table: 'parameters' | 'tags', condition: FilterCondition): RunCondition {
  const { key, comparator, value } = condition;
  const having = sql`select k.run from ${sql.table(table)} k where k.key = ${key}`;
  if (comparator === 'IS NULL') return { holds: sql`not exists (${having} and k.run = r.position)` };
  if (comparator === 'IS NOT NULL') return { holds: sql`exists (${having} and k.run = r.position)`, runs: having };
  const found = sql`${having} and ${compared(db, 'k.value', condition)}`;
  const holds: Predicate = sql`exists (${found} and k.run = r.position)`;
  if (comparator !== '=') return { holds };
  const start = startOf(String(value));
  // What is shorter than any start is whole in the index: no run has to be looked at.
  return { holds, runs: sql`${start.length < indexedLength ? having : found} and k.value_start = ${start}` };
}

const attributeColumns: Readonly<Record<string, string>> = {
  run_name: 'r.name',
  status: 'r.status',
  start_time: 'r.started_at',
  end_time: 'r.ended_at',
  user_id: 'r.user_name',
};

function attributeCondition(db: Db, condition: FilterCondition): RunCondition {
  const { key, comparator, value } = condition;
  if (key === 'run_id' && (comparator === '=' || comparator === 'IN')) {
    const ids = (typeof value === 'object' ? [...(value ?? [])] : [String(value)]).map(ownRunId);
    return { holds: sql`r.id in (${sql.join(ids)})`, runs: sql`select position from runs where id in (${sql.join(ids)})` };
  }
  if (key === 'run_id')
    return { holds: sql`exists (select 1 from (select replace(r.id, '-', '') as id) x where ${compared(db, 'x.id', condition)})` };
  if (key === 'artifact_uri') {
    const uri = sql`coalesce(e.artifact_location, ${ownArtifacts} || e.public_id) || '/' || replace(r.id, '-', '') || '/artifacts'`;
    return { holds: sql`exists (select 1 from (select ${uri} as uri) x where ${compared(db, 'x.uri', condition)})`, ofExperiment: true };
  }
  const column = attributeColumns[key];
  if (column === undefined) throw new GyreError('INTERNAL', `the grammar knows an attribute "${key}" of runs that no column holds`);
  return { holds: compared(db, column, condition) };
}
