/** What can be searched, each with a grammar of its own. */
export const searchKinds = ['run', 'experiment', 'registered_model', 'model_version', 'logged_model'] as const;
export type SearchKind = (typeof searchKinds)[number];

/** What a condition or an order is about. */
export type SearchEntity = 'attribute' | 'metric' | 'parameter' | 'tag' | 'dataset';

export type ValueComparator = '=' | '!=' | '>' | '>=' | '<' | '<=' | 'LIKE' | 'ILIKE';
export type ListComparator = 'IN' | 'NOT IN';
export type PresenceComparator = 'IS NULL' | 'IS NOT NULL';
export type Comparator = ValueComparator | ListComparator | PresenceComparator;

/**
 * What a field is compared with. `integer-or-text`: a whole number, which may be quoted; `id`: a whole number in quotes; `loose-text`: a text
 * that needs no quotes where it is one word or number.
 */
export type FieldType = 'number' | 'integer' | 'integer-or-text' | 'id' | 'text' | 'loose-text';

/** How one thing can be compared. */
export interface Field {
  readonly type: FieldType;
  readonly comparators: readonly Comparator[];
}

/** The grammar of one kind. */
export interface FilterGrammar {
  /** Every accepted name of an entity; of several names for one, the first is the one to suggest. */
  readonly entities: Readonly<Record<string, SearchEntity>>;
  /** May an entity itself stand between backticks? */
  readonly quotedEntities: boolean;
  /** May a name contain marks such as `-` and `/` without quotes? */
  readonly looseNames: boolean;
  /** Every accepted name of an attribute, with the name that it stands for. */
  readonly attributes: Readonly<Record<string, Field & { readonly key: string }>>;
  /** How metrics, parameters, tags and datasets are compared, whatever their key. */
  readonly keyed: Readonly<Partial<Record<SearchEntity, Field>>>;
  /** What may be ordered by, under the same two kinds of names. */
  readonly orders: {
    readonly entities: Readonly<Record<string, SearchEntity>>;
    readonly attributes: Readonly<Record<string, { readonly key: string }>>;
  };
}

const numeric: readonly Comparator[] = ['=', '!=', '>', '>=', '<', '<='];
const textual: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE'];
const number: Field = { type: 'number', comparators: numeric };
const integer: Field = { type: 'integer', comparators: numeric };
const text: Field = { type: 'text', comparators: textual };
const textOrList: Field = { type: 'text', comparators: [...textual, 'IN', 'NOT IN'] };
const textOrNothing: Field = { type: 'text', comparators: [...textual, 'IS NULL', 'IS NOT NULL'] };
const looseText: Field = { type: 'loose-text', comparators: textOrList.comparators };

export const datasetKeys: readonly string[] = ['name', 'digest', 'context'];

const attributeOnly = { attribute: 'attribute' } as const;
const tagOrAttribute = { tags: 'tag', tag: 'tag', ...attributeOnly } as const;
const runEntities = {
  metrics: 'metric',
  metric: 'metric',
  params: 'parameter',
  param: 'parameter',
  parameter: 'parameter',
  parameters: 'parameter',
  tags: 'tag',
  tag: 'tag',
  attributes: 'attribute',
  attribute: 'attribute',
  attr: 'attribute',
  run: 'attribute',
} as const;

const runAttributes = {
  ...named('run_id', textOrList),
  ...named('run_name', text),
  ...named('status', text),
  ...named('start_time', number, 'created', 'Created'),
  ...named('end_time', number),
  ...named('user_id', text),
  ...named('artifact_uri', text),
};
const experimentAttributes = {
  ...named('name', text),
  ...named('experiment_id', { type: 'id', comparators: ['=', '!=', 'IN', 'NOT IN'] }),
  ...named('creation_time', integer),
  ...named('last_update_time', integer),
};
const loggedModelAttributes = {
  ...named('model_id', looseText),
  ...named('name', looseText),
  ...named('model_type', looseText),
  ...named('status', looseText),
  ...named('source_run_id', looseText),
  ...named('creation_timestamp', number, 'creation_time', 'creation_timestamp_ms'),
  ...named('last_updated_timestamp', number, 'last_updated_timestamp_ms'),
  ...named('experiment_id', looseText),
  ...named('artifact_location', looseText),
  ...named('status_message', looseText),
  ...named('lifecycle_stage', looseText),
};

/**
 * The grammars, as the MLflow server 3.17.2 with a database reads them (`mlflow/utils/search_utils.py`, `search_logged_model_utils.py` and
 * the clauses that its two stores make of them).
 */
export const filterGrammars: Readonly<Record<SearchKind, FilterGrammar>> = {
  run: {
    entities: { ...runEntities, datasets: 'dataset', dataset: 'dataset' },
    quotedEntities: true,
    looseNames: false,
    attributes: {
      ...runAttributes,
      ...named('run_name', text, 'run name', 'Run name', 'Run Name'),
    },
    keyed: { metric: number, parameter: textOrNothing, tag: textOrNothing, dataset: textOrList },
    orders: { entities: runEntities, attributes: runAttributes },
  },
  experiment: {
    entities: tagOrAttribute,
    quotedEntities: false,
    looseNames: false,
    attributes: experimentAttributes,
    keyed: { tag: textOrNothing },
    orders: { entities: attributeOnly, attributes: experimentAttributes },
  },
  registered_model: {
    entities: tagOrAttribute,
    quotedEntities: false,
    looseNames: false,
    attributes: named('name', textOrList),
    keyed: { tag: text },
    orders: {
      entities: {},
      attributes: { ...named('name', text), ...named('last_updated_timestamp', number, 'timestamp') },
    },
  },
  model_version: {
    entities: tagOrAttribute,
    quotedEntities: false,
    looseNames: false,
    attributes: {
      ...named('name', textOrList),
      ...named('version_number', { type: 'integer-or-text', comparators: numeric }),
      ...named('run_id', textOrList),
      ...named('source_path', text),
    },
    keyed: { tag: text },
    orders: {
      entities: attributeOnly,
      attributes: {
        ...named('name', text),
        ...named('version_number', number),
        ...named('creation_timestamp', number),
        ...named('last_updated_timestamp', number),
      },
    },
  },
  logged_model: {
    entities: { metrics: 'metric', params: 'parameter', tags: 'tag', attributes: 'attribute' },
    quotedEntities: false,
    looseNames: true,
    attributes: loggedModelAttributes,
    keyed: { metric: number, parameter: looseText, tag: looseText },
    orders: { entities: { metrics: 'metric' }, attributes: loggedModelAttributes },
  },
};

/** An attribute under its own name and under others. */
function named(key: string, field: Field, ...aliases: readonly string[]): Readonly<Record<string, Field & { readonly key: string }>> {
  return Object.fromEntries([key, ...aliases].map((name) => [name, { key, ...field }]));
}
