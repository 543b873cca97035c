import type { DatasetSpec, JoinSide, JoinSource, Project, TableSchema } from '#contract';
import { columnFinding, parsed } from './check-context.ts';
import type { CheckContext } from './check-context.ts';
import type { DatasetFacts } from './dataset-columns.ts';
import { isJoin, joinedFrom, parseAggregate, takenColumns } from './join.ts';
import type { Finding, PathStep } from './problems.ts';
import { suggestionFor } from './suggest.ts';

/** What does not hold in a dataset that is joined from others. */
export function checkJoin(context: CheckContext, name: string, spec: DatasetSpec, source: JoinSource): Finding[] {
  const path = ['data', name, 'source'];
  const unknown = unknownDataset(context, name, source.join, [...path, 'join'], false);
  const findings = [...unknown];
  if (unknown.length === 0) {
    if (source.key !== undefined) findings.push(...columnFinding(context, source.join, source.key, [...path, 'key']));
    else if (context.project.data[source.join].key === undefined)
      findings.push({
        path: [...path, 'join'],
        message: `"${source.join}" has no key that the others could be joined by`,
        suggestion: 'say by which column with "key"',
      });
    if (source.at !== undefined) findings.push(...columnFinding(context, source.join, source.at, [...path, 'at']));
  }
  if (Object.keys(source.with).length === 0) findings.push({ path: [...path, 'with'], message: 'names no dataset to join' });
  for (const [side, sideSpec] of Object.entries(source.with))
    findings.push(...checkSide(context, name, source, sideSpec, side, [...path, 'with', side]));
  if (spec.where !== undefined) {
    findings.push({
      path: ['data', name, 'where'],
      message: 'a joined dataset has the rows of its base',
      suggestion: `put it under data.${source.join}`,
    });
  }
  const circle = circleOf(context, name);
  if (circle !== undefined)
    findings.push({ path: [...path, 'join'], message: `datasets are joined from each other: ${circle.join(' → ')}` });
  return [...findings, ...checkNames(context, source, path)];
}

function unknownDataset(context: CheckContext, name: string, dataset: string, path: readonly PathStep[], atKey: boolean): Finding[] {
  if (dataset === name) return [{ path, atKey, message: 'a dataset cannot be joined from itself' }];
  const known = Object.keys(context.project.data);
  if (known.includes(dataset)) return [];
  const suggestion = suggestionFor(
    dataset,
    known.filter((other) => other !== name),
    'datasets',
  );
  return [{ path, atKey, message: `there is no dataset "${dataset}"`, ...(suggestion === undefined ? {} : { suggestion }) }];
}

function checkSide(
  context: CheckContext,
  name: string,
  source: JoinSource,
  side: JoinSide,
  called: string,
  path: readonly PathStep[],
): Finding[] {
  const dataset = side.of ?? called;
  const unknown = unknownDataset(context, name, dataset, side.of === undefined ? path : [...path, 'of'], side.of === undefined);
  if (unknown.length > 0) return unknown;
  const findings = columnFinding(context, dataset, side.key, [...path, 'key']);
  if (side.time !== undefined) findings.push(...columnFinding(context, dataset, side.time, [...path, 'time']));
  const kinds = (['aggregate', 'latest', 'columns'] as const).filter((kind) => side[kind] !== undefined);
  if (kinds.length > 1)
    findings.push({ path: [...path, kinds[1]], atKey: true, message: `stands beside "${kinds[0]}"`, suggestion: 'keep one of them' });
  findings.push(...checkTime(source, side, path));
  for (const [column, text] of Object.entries(side.aggregate ?? {})) {
    const here = [...path, 'aggregate', column];
    const aggregate = parsed(here, () => parseAggregate(column, text));
    if ('finding' in aggregate) findings.push(aggregate.finding);
    else if (aggregate.value.column !== undefined) findings.push(...columnFinding(context, dataset, aggregate.value.column, here));
  }
  if (side.aggregate !== undefined && Object.keys(side.aggregate).length === 0)
    findings.push({ path: [...path, 'aggregate'], message: 'names no column' });
  for (const kind of ['latest', 'columns'] as const) {
    const columns = side[kind];
    if (columns === undefined) continue;
    const places = Array.isArray(columns) ? columns.keys() : Object.keys(columns);
    for (const [index, place] of [...places].entries())
      findings.push(...columnFinding(context, dataset, takenColumns(columns)[index].column, [...path, kind, place]));
  }
  return findings;
}

/** Without times, what came after would be known before: that is said out loud or not done. */
function checkTime(source: JoinSource, side: JoinSide, path: readonly PathStep[]): Finding[] {
  const findings: Finding[] = [];
  const isTimed = side.aggregate !== undefined || side.latest !== undefined;
  if (side.time === undefined && side.latest !== undefined)
    findings.push({ path: [...path, 'latest'], atKey: true, message: 'needs "time": the column that says which row is the newest' });
  if (side.time === undefined && side.aggregate !== undefined && source.at !== undefined) {
    findings.push({
      path: [...path, 'aggregate'],
      atKey: true,
      message: `needs "time": without it, rows after "${source.at}" would count as well`,
    });
  }
  if (side.time === undefined && Object.values(side.aggregate ?? {}).some((text) => /^\s*(first|last)\s*\(/.test(text)))
    findings.push({ path: [...path, 'aggregate'], atKey: true, message: '"first" and "last" need "time": what comes first' });
  if (side.time !== undefined && !isTimed) {
    findings.push({
      path: [...path, 'time'],
      atKey: true,
      message: 'is for rows that come one after the other',
      suggestion: 'write "latest" instead of "columns" for the newest row, or "aggregate"',
    });
  }
  for (const key of ['window', 'bounds'] as const) {
    if (side[key] !== undefined && (side.time === undefined || source.at === undefined))
      findings.push({ path: [...path, key], atKey: true, message: 'needs "time" here and "at" above: the instants that it lies between' });
  }
  return findings;
}

/** Two columns of one name, as far as the columns are known. */
function checkNames(context: CheckContext, source: JoinSource, path: readonly PathStep[]): Finding[] {
  const owners = new Map((context.facts.get(source.join)?.columns ?? []).map((column) => [column, `dataset "${source.join}"`]));
  const findings: Finding[] = [];
  for (const [called, side] of Object.entries(source.with)) {
    const columns = side.latest ?? side.columns;
    const all = context.facts.get(side.of ?? called)?.columns ?? [];
    const names =
      side.aggregate === undefined
        ? columns === undefined
          ? all.filter((column) => column !== side.key)
          : takenColumns(columns).map(({ name }) => name)
        : Object.keys(side.aggregate);
    for (const name of names) {
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, `"${called}"`);
      else {
        findings.push({
          path: [...path, 'with', called],
          atKey: true,
          message: `gives a column "${name}", and so does ${owner}`,
          suggestion: `give it another name: { ${called}_${name}: ${side.aggregate === undefined ? name : '…'} }`,
        });
      }
    }
  }
  return findings;
}

function circleOf({ project }: CheckContext, start: string): readonly string[] | undefined {
  const visit = (name: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.length > 0 && name === start) return [...trail, name];
    if (trail.includes(name) || !Object.hasOwn(project.data, name)) return undefined;
    for (const next of joinedFrom(project.data[name].source)) {
      const found = next === name ? undefined : visit(next, [...trail, name]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return visit(start, []);
}

/** What is known of a dataset's columns, which of a joined one follows from those that it is joined from. */
export function joinedFacts(
  project: Project,
  name: string,
  facts: ReadonlyMap<string, DatasetFacts>,
  schemas: Readonly<Record<string, TableSchema>>,
  within: readonly string[] = [],
): DatasetFacts {
  const known = facts.get(name);
  const spec = Object.hasOwn(project.data, name) ? project.data[name] : undefined;
  // A circle is reported by itself.
  if (known !== undefined || spec === undefined || !isJoin(spec.source) || within.includes(name)) return known ?? { isFile: false };
  const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
  if (schema !== undefined) return { isFile: false, schema, columns: schema.columns.map((column) => column.name) };
  const columns = joinedColumns(spec.source, (other) => joinedFacts(project, other, facts, schemas, [...within, name]).columns);
  return { isFile: false, ...(columns === undefined ? {} : { columns }) };
}

function joinedColumns(source: JoinSource, columnsOf: (dataset: string) => readonly string[] | undefined): readonly string[] | undefined {
  const base = columnsOf(source.join);
  if (base === undefined) return undefined;
  const columns = [...base];
  for (const [called, side] of Object.entries(source.with)) {
    const taken = side.latest ?? side.columns;
    if (side.aggregate !== undefined) columns.push(...Object.keys(side.aggregate));
    else if (taken !== undefined) columns.push(...takenColumns(taken).map(({ name }) => name));
    else {
      const all = columnsOf(side.of ?? called);
      if (all === undefined) return undefined;
      columns.push(...all.filter((column) => column !== side.key));
    }
  }
  return columns;
}
