import type { ColumnSchema, TableSchema } from '#contract';
import { parseInstant } from '#tables';
import type { Finding, PathStep } from './problems.ts';
import { columnsOfCondition, parseRowCondition } from './row-condition.ts';
import { suggestionFor } from './suggest.ts';

/** What does not hold in a reviewed schema whose shape is right. */
export function schemaFindings(schema: TableSchema): Finding[] {
  const seen = new Set<string>();
  const findings = schema.columns.flatMap((column, index): Finding[] => {
    const path = ['columns', index];
    const twice: Finding[] = seen.has(column.name)
      ? [{ path: [...path, 'name'], message: `column "${column.name}" is described twice` }]
      : [];
    seen.add(column.name);
    return [...twice, ...columnFindings(column, path)];
  });
  const names = [...seen];
  const unknown = (column: string, path: readonly PathStep[]): Finding[] => {
    if (seen.has(column)) return [];
    const suggestion = suggestionFor(column, names, 'columns');
    return [{ path, message: `there is no column "${column}"`, ...(suggestion === undefined ? {} : { suggestion }) }];
  };
  const comparison = (text: string, path: readonly PathStep[]): void => {
    try {
      for (const column of columnsOfCondition(parseRowCondition(text))) findings.push(...unknown(column, path));
    } catch (error) {
      findings.push({ path, message: error instanceof Error ? error.message : String(error) });
    }
  };
  (schema.rules ?? []).forEach((rule, index) => {
    if (typeof rule === 'string') comparison(rule, ['rules', index]);
    else {
      comparison(rule.rule, ['rules', index, 'rule']);
      if (rule.when !== undefined) comparison(rule.when, ['rules', index, 'when']);
    }
  });
  (schema.keys ?? []).forEach((key, index) => key.forEach((column, at) => findings.push(...unknown(column, ['keys', index, at]))));
  (schema.references ?? []).forEach(({ columns, to }, index) => {
    columns.forEach((column, at) => findings.push(...unknown(column, ['references', index, 'columns', at])));
    if (to !== undefined && to.length !== columns.length) {
      const message = `${to.length} columns cannot be matched with ${columns.length}`;
      findings.push({ path: ['references', index, 'to'], message, suggestion: 'name as many as in columns, in the same order' });
    }
  });
  return [...findings, ...timeFindings(schema, unknown)];
}

/** What does not hold in a schema that was made by a program, in words. */
export function schemaProblems(schema: TableSchema): string[] {
  return schemaFindings(schema).map(({ path, message }) => {
    const [list, at] = path;
    const column = list === 'columns' && typeof at === 'number' ? schema.columns[at].name : undefined;
    return column === undefined ? message : `${column}: ${message}`;
  });
}

function timeFindings({ columns, time }: TableSchema, unknown: (column: string, path: readonly PathStep[]) => Finding[]): Finding[] {
  if (time === undefined) return [];
  return (['column', 'arrived', 'by'] as const).flatMap((member): Finding[] => {
    const name = time[member];
    if (name === undefined) return [];
    const type = columns.find((column) => column.name === name)?.type;
    if (type === undefined) return unknown(name, ['time', member]);
    return member === 'by' || type === 'instant'
      ? []
      : [{ path: ['time', member], message: `column "${name}" is ${type}`, suggestion: 'a column of type instant is needed' }];
  });
}

/** Which types have a member of a column. */
const membersOf: readonly (readonly [member: keyof ColumnSchema, types: readonly ColumnSchema['type'][]])[] = [
  ['min', ['number', 'integer']],
  ['max', ['number', 'integer']],
  ['categories', ['string']],
  ['pattern', ['string']],
  ['minLength', ['string']],
  ['maxLength', ['string']],
  ['earliest', ['instant']],
  ['latest', ['instant']],
  ['freshness', ['instant']],
  ['order', ['number', 'integer', 'instant', 'string']],
];

function columnFindings(column: ColumnSchema, path: readonly (string | number)[]): Finding[] {
  const findings: Finding[] = [];
  const { type, categories, pattern } = column;
  for (const [member, types] of membersOf) {
    if (column[member] === undefined || types.includes(type)) continue;
    const message = `a ${type} column has no ${member}`;
    const suggestion = `${member === 'categories' ? 'they are' : 'it is'} for ${types.join(' and ')}`;
    findings.push({ path: [...path, member], atKey: true, message, suggestion });
  }
  for (const [low, high] of [
    ['min', 'max'],
    ['minLength', 'maxLength'],
  ] as const) {
    const [least, most] = [column[low], column[high]];
    if (least !== undefined && most !== undefined && least > most)
      findings.push({ path: [...path, low], message: `${low} (${least}) is greater than ${high} (${most})` });
  }
  findings.push(...momentFindings(column, path));
  if (categories !== undefined) {
    if (categories.length === 0) findings.push({ path: [...path, 'categories'], message: 'allows no value at all' });
    const repeated = categories.find((category, index) => categories.indexOf(category) !== index);
    if (repeated !== undefined) findings.push({ path: [...path, 'categories'], message: `"${repeated}" is listed twice` });
  }
  if (pattern !== undefined) {
    try {
      new RegExp(pattern, 'u');
    } catch (error) {
      findings.push({ path: [...path, 'pattern'], message: error instanceof Error ? error.message : String(error) });
    }
  }
  const shares = Object.values(column.population ?? { all: 1 });
  const sum = shares.reduce((total, share) => total + share, 0);
  if (Math.abs(sum - 1) > 0.005)
    findings.push({ path: [...path, 'population'], message: `the shares add up to ${Number(sum.toFixed(4))}, not to 1` });
  return findings;
}

function momentFindings(column: ColumnSchema, path: readonly (string | number)[]): Finding[] {
  const moments = { earliest: -Infinity, latest: Infinity };
  const findings: Finding[] = [];
  for (const member of ['earliest', 'latest'] as const) {
    const text = column[member];
    if (text === undefined) continue;
    const instant = parseInstant(text);
    if (instant === undefined) findings.push({ path: [...path, member], message: `"${text}" is no day that exists` });
    else moments[member] = instant;
  }
  if (moments.earliest > moments.latest)
    findings.push({ path: [...path, 'earliest'], message: `earliest (${column.earliest}) is after latest (${column.latest})` });
  return findings;
}
