/*
 * How a table of runs is looked at, as the address holds it: a link shows a colleague the same table. Pure.
 */

/** `metrics.loss`, `params.depth`, `tags.team`, or one of `ownColumns`. */
export type ColumnId = string;

export interface RunView {
  readonly filter: string;
  /** A column; with `-` in front the greatest first. */
  readonly sort: string | undefined;
  /** Undefined: those that fit the runs. */
  readonly columns: readonly ColumnId[] | undefined;
  readonly pinned: readonly ColumnId[];
  /** Pixels. */
  readonly widths: ReadonlyMap<ColumnId, number>;
  /** Metrics that are drawn as lines. */
  readonly sparks: readonly ColumnId[];
  /** A parameter's name. */
  readonly group: string | undefined;
  readonly lifecycle: 'active' | 'deleted' | 'all';
}

export const ownColumns: readonly { readonly id: ColumnId; readonly head: string }[] = [
  { id: 'status', head: 'Status' },
  { id: 'start_time', head: 'Started' },
  { id: 'duration', head: 'Took' },
  { id: 'user_id', head: 'By' },
  { id: 'run_id', head: 'Id' },
];

const listOf = (text: string | null): readonly string[] => (text === null || text === '' ? [] : text.split(',').map(decodeURIComponent));
const textOf = (list: readonly string[]): string | undefined => (list.length === 0 ? undefined : list.map(encodeURIComponent).join(','));

/** Reads the query of an address; what it does not say is as usual. */
export function runViewOf(search: string): RunView {
  const query = new URLSearchParams(search);
  const lifecycle = query.get('view');
  const widths = listOf(query.get('widths')).flatMap((entry) => {
    const at = entry.lastIndexOf('=');
    const width = Number(entry.slice(at + 1));
    return at > 0 && width >= narrowest && width <= widest ? [[entry.slice(0, at), width] as const] : [];
  });
  return {
    filter: query.get('filter') ?? '',
    sort: query.get('sort') ?? undefined,
    columns: query.has('columns') ? listOf(query.get('columns')) : undefined,
    pinned: listOf(query.get('pinned')),
    widths: new Map(widths),
    sparks: listOf(query.get('lines')),
    group: query.get('group') ?? undefined,
    lifecycle: lifecycle === 'deleted' || lifecycle === 'all' ? lifecycle : 'active',
  };
}

export const narrowest = 60;
export const widest = 800;

/** Members of a query for parts of a view that change. */
export function runViewQuery(view: Partial<RunView>): Readonly<Record<string, string | undefined>> {
  return {
    ...('filter' in view ? { filter: view.filter } : {}),
    ...('sort' in view ? { sort: view.sort } : {}),
    ...(view.columns === undefined ? {} : { columns: textOf(view.columns) }),
    ...(view.pinned === undefined ? {} : { pinned: textOf(view.pinned) }),
    ...(view.widths === undefined ? {} : { widths: textOf([...view.widths].map(([id, width]) => `${id}=${Math.round(width)}`)) }),
    ...(view.sparks === undefined ? {} : { lines: textOf(view.sparks) }),
    ...('group' in view ? { group: view.group } : {}),
    ...(view.lifecycle === undefined ? {} : { view: view.lifecycle === 'active' ? undefined : view.lifecycle }),
  };
}

/** A column by its entity and key; attributes have no key of their own. */
export function columnParts(id: ColumnId): { readonly entity: 'metrics' | 'params' | 'tags' | 'own'; readonly key: string } {
  for (const entity of ['metrics', 'params', 'tags'] as const) {
    if (id.startsWith(`${entity}.`)) return { entity, key: id.slice(entity.length + 1) };
  }
  return { entity: 'own', key: id };
}

/** A key as a filter writes it: between quotes that it does not hold. */
export function quotedField(id: ColumnId): string {
  const { entity, key } = columnParts(id);
  if (entity === 'own') return `attributes.${key}`;
  const quote = ['`', '"'].find((mark) => !key.includes(mark)) ?? '`';
  return `${entity}.${quote}${key}${quote}`;
}

/** Lengths of time are not kept, so nothing sorts by them. */
export const sorts = (id: ColumnId): boolean => id !== 'duration';

/** What the server is asked to order by. */
export function orderOf(sort: string | undefined): readonly string[] {
  if (sort === undefined || sort === '') return [];
  const descending = sort.startsWith('-');
  const id = descending ? sort.slice(1) : sort;
  return sorts(id) ? [`${quotedField(id)} ${descending ? 'DESC' : 'ASC'}`] : [];
}

/** A filter with one more condition: a parameter has this value, or none. */
export function filterWithin(filter: string, parameter: string, value: string | null): string {
  const field = quotedField(`params.${parameter}`);
  const quote = value?.includes("'") === true ? '"' : "'";
  const condition = value === null ? `${field} IS NULL` : `${field} = ${quote}${value}${quote}`;
  return filter.trim() === '' ? condition : `${filter} AND ${condition}`;
}

/** The columns that say most about runs: a few metrics, whole models before parts, and a few parameters. */
export function usualColumns(keys: {
  readonly metrics: readonly string[];
  readonly parameters: readonly { readonly key: string; readonly values: readonly string[] }[];
}): readonly ColumnId[] {
  const weight = (name: string): number =>
    (name.startsWith('system/') ? 8 : 0) +
    (/val/.test(name) ? 0 : /train/.test(name) ? 2 : 1) +
    (/roc_auc|accuracy|rmse|r2|loss/.test(name) ? 0 : 0.5);
  const metrics = [...keys.metrics].sort((a, b) => weight(a) - weight(b) || a.localeCompare(b)).slice(0, 5);
  const varying = keys.parameters.filter(({ values }) => values.length > 1);
  const parameters = (varying.length > 0 ? varying : keys.parameters).slice(0, 5);
  return [
    'status',
    ...metrics.map((name) => `metrics.${name}`),
    ...parameters.map(({ key }) => `params.${key}`),
    'start_time',
    'duration',
    'user_id',
  ];
}
