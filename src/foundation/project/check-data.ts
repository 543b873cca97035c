import type { DatasetSpec, ImageSource, QuerySource } from '#contract';
import { columnFinding, isDay, parsed } from './check-context.ts';
import type { CheckContext } from './check-context.ts';
import { checkJoin } from './check-join.ts';
import { checkQuality } from './check-quality.ts';
import { checkSchedule } from './check-schedule.ts';
import { checkSplit } from './check-split.ts';
import { checkFiles, isFiles } from './files-facts.ts';
import { checkImages, pathOrImages } from './image-facts.ts';
import { isReadable, sourceExtensions } from './dataset-columns.ts';
import type { DatasetFacts } from './dataset-columns.ts';
import { isJoin } from './join.ts';
import type { Finding } from './problems.ts';
import { holdsCredential } from './references.ts';
import { columnsOfCondition, parseRowCondition } from './row-condition.ts';
import { listed } from './suggest.ts';
import { isQuery, sourceFromText } from './table-source.ts';

/** What does not hold in the `data` section. */
export function checkData(context: CheckContext): Finding[] {
  const datasets = Object.entries(context.project.data);
  // A project without steps may be there for tracking and registry alone.
  if (datasets.length === 0 && Object.keys(context.project.steps).length === 0) return [];
  if (datasets.length === 0) return [{ path: ['data'], message: 'names no dataset; steps need at least one' }];
  return datasets.flatMap(([name, spec]) => [
    ...(isJoin(spec.source)
      ? checkJoin(context, name, spec, spec.source)
      : isQuery(spec.source)
        ? checkQuery(name, spec.source, context.facts.get(name))
        : isFiles(spec.source)
          ? checkFiles(name, spec.source, context.facts.get(name))
          : checkSource(name, spec, spec.source, context.facts.get(name))),
    ...checkColumns(context, name, spec),
    ...checkSplit(context, name, spec),
    ...checkQuality(context, name, spec),
    ...checkSchedule(name, spec),
    ...(spec.asOf === undefined || isDay(spec.asOf)
      ? []
      : [{ path: ['data', name, 'asOf'], message: `"${spec.asOf}" is no day`, suggestion: 'write it as YYYY-MM-DD' }]),
  ]);
}

function checkSource(name: string, spec: DatasetSpec, given: string | ImageSource, facts: DatasetFacts | undefined): Finding[] {
  const source = pathOrImages(given);
  if (typeof source !== 'string') return checkImages(name, spec, source, facts);
  const path = ['data', name, 'source'];
  const from = sourceFromText(source);
  if (from.kind === 'url') {
    const credential = credentialFinding(path, source);
    return credential ?? (isReadable(addressedName(source)) ? [] : [unreadable(path, source)]);
  }
  if (from.kind === 'files') {
    if (facts?.hasFiles === true) return [];
    const suggestion = `a folder of images is written with a slash at its end: ${source}/`;
    return facts?.size === undefined
      ? [{ path, message: `no Parquet file fits ${from.pattern}` }]
      : [{ path, message: `${source} is a folder, and no Parquet file is in it`, suggestion }];
  }
  if (!isReadable(source)) return [unreadable(path, source)];
  if (facts?.size === undefined) return [{ path, message: `there is no file ${source}`, suggestion: 'the path is relative to gyre.yaml' }];
  if (!facts.isFile) return [{ path, message: `${source} is a folder; a file is needed` }];
  return facts.size === 0 ? [{ path, message: `the file ${source} is empty` }] : [];
}

const unreadable = (path: string[], source: string): Finding => ({
  path,
  message: `"${source}" is of no format that can be read`,
  suggestion: `the file's name ends in ${listed(sourceExtensions)}`,
});

/** The name of the file that an address ends in. */
const addressedName = (address: string): string => (/^s3:/i.test(address) ? address : (URL.parse(address)?.pathname ?? address));

/** A finding when a password stands in the file. */
function credentialFinding(path: string[], address: string): Finding[] | undefined {
  if (!holdsCredential(address)) return undefined;
  return [{ path, message: 'a credential is written down here', suggestion: 'name an environment variable that holds it: "${env:NAME}"' }];
}

function checkQuery(name: string, source: QuerySource, facts: DatasetFacts | undefined): Finding[] {
  const path = ['data', name, 'source'];
  if ('postgres' in source) return credentialFinding([...path, 'postgres'], source.postgres) ?? [];
  if ('mysql' in source) return credentialFinding([...path, 'mysql'], source.mysql) ?? [];
  const file = 'excel' in source ? source.excel : source.sqlite;
  const at = [...path, 'excel' in source ? 'excel' : 'sqlite'];
  if (facts?.size === undefined)
    return [{ path: at, message: `there is no file ${file}`, suggestion: 'the path is relative to gyre.yaml' }];
  if (!facts.isFile) return [{ path: at, message: `${file} is a folder; a file is needed` }];
  if ('excel' in source)
    return file.toLowerCase().endsWith('.xlsx')
      ? []
      : [{ path: at, message: `"${file}" is no .xlsx file`, suggestion: 'save it as one in Excel' }];
  const isOne = (source.query === undefined) !== (source.table === undefined);
  return isOne ? [] : [{ path, message: 'needs one of "query" and "table"' }];
}

/** What says how a table is read, where no table is read. */
function unusedOptions(name: string, spec: DatasetSpec): Finding[] {
  const { source } = spec;
  const isAsked = isQuery(source);
  const isTable = isAsked || (!isJoin(source) && typeof pathOrImages(source) === 'string');
  return (['watermark', 'dialect', 'timestamps'] as const)
    .filter((member) => spec[member] !== undefined && (!isTable || (isAsked && member === 'dialect')))
    .map((member) => ({
      path: ['data', name, member],
      atKey: true,
      message: `"${member}" says nothing here`,
      suggestion: 'it is of a table that is read from a source',
    }));
}

function checkColumns(context: CheckContext, name: string, spec: DatasetSpec): Finding[] {
  const findings: Finding[] = [];
  if (spec.key !== undefined) findings.push(...columnFinding(context, name, spec.key, ['data', name, 'key']));
  if (spec.watermark !== undefined) findings.push(...columnFinding(context, name, spec.watermark, ['data', name, 'watermark']));
  findings.push(...unusedOptions(name, spec));
  if (spec.target !== undefined) findings.push(...columnFinding(context, name, spec.target, ['data', name, 'target']));
  const { where } = spec;
  if (where !== undefined) {
    const condition = parsed(['data', name, 'where'], () => parseRowCondition(where));
    if ('finding' in condition) findings.push(condition.finding);
    else
      findings.push(
        ...columnsOfCondition(condition.value).flatMap((column) => columnFinding(context, name, column, ['data', name, 'where'])),
      );
  }
  const key = context.facts.get(name)?.schema?.columns.find((column) => column.name === spec.key);
  if (key !== undefined && key.unique !== true) {
    findings.push({
      path: ['data', name, 'key'],
      message: `the key "${spec.key}" is not declared unique in ${spec.expect ?? 'its schema'}`,
      suggestion: 'a key names one row: add "unique: true" there',
      severity: 'warning',
    });
  }
  return findings;
}
