import { Document, isMap, isSeq } from 'yaml';
import type { ColumnSchema, TableSchema } from '#contract';

/** The order in which a schema file has its members: the same for every file, so that two versions differ where they differ. */
const columnMembers = [
  'name',
  'type',
  'description',
  'presence',
  'nullable',
  'maxMissing',
  'unique',
  'references',
  'min',
  'max',
  'categories',
  'pattern',
  'minLength',
  'maxLength',
  'earliest',
  'latest',
  'order',
  'freshness',
  'population',
  'personal',
  'sensitive',
  'severity',
] as const satisfies readonly (keyof ColumnSchema)[];
const tableMembers = ['columns', 'keys', 'references', 'time', 'rules', 'checks'] as const satisfies readonly (keyof TableSchema)[];

export interface SchemaTextOptions {
  /** Lines at the head of the file. */
  readonly head?: readonly string[];
  /** Column → reasons, as comments above it. */
  readonly why?: Readonly<Record<string, readonly string[]>>;
}

/** A schema as the text of a file to review: one column a block, members and lists a line each, the order always the same. */
export function tableSchemaText(schema: TableSchema, { head = [], why = {} }: SchemaTextOptions = {}): string {
  const columns = schema.columns.map((column) => ordered(column, columnMembers));
  const document = new Document(ordered({ ...schema, columns }, tableMembers));
  const list = document.get('columns');
  if (isSeq(list)) {
    list.items.forEach((item, index) => {
      const reasons = why[schema.columns[index].name] ?? [];
      if (isMap(item) && reasons.length > 0) item.commentBefore = reasons.map((reason) => ` ${reason}`).join('\n');
    });
  }
  const comments = head.map((line) => (line === '' ? '#\n' : `# ${line}\n`)).join('');
  return comments + document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function ordered<T extends object>(value: T, members: readonly (string & keyof T)[]): Record<string, unknown> {
  const known = members.filter((member) => value[member] !== undefined).map((member): [string, unknown] => [member, value[member]]);
  const others = Object.entries(value).filter(([member, own]) => own !== undefined && !(members as readonly string[]).includes(member));
  return Object.fromEntries([...known, ...others]);
}
