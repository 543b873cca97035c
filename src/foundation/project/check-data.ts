import type { DatasetSpec, ImageSource } from '#contract';
import { columnFinding, isDay, parsed } from './check-context.ts';
import type { CheckContext } from './check-context.ts';
import { checkJoin } from './check-join.ts';
import { checkQuality } from './check-quality.ts';
import { checkSchedule } from './check-schedule.ts';
import { checkSplit } from './check-split.ts';
import { checkImages, pathOrImages } from './image-facts.ts';
import { isReadable, sourceExtensions } from './dataset-columns.ts';
import type { DatasetFacts } from './dataset-columns.ts';
import { isJoin } from './join.ts';
import type { Finding } from './problems.ts';
import { columnsOfCondition, parseRowCondition } from './row-condition.ts';
import { listed } from './suggest.ts';
import { sourceFromText } from './table-source.ts';

/** What does not hold in the `data` section. */
export function checkData(context: CheckContext): Finding[] {
  const datasets = Object.entries(context.project.data);
  if (datasets.length === 0) return [{ path: ['data'], message: 'names no dataset; at least one is needed' }];
  return datasets.flatMap(([name, spec]) => [
    ...(isJoin(spec.source) ? checkJoin(context, name, spec, spec.source) : checkSource(name, spec, spec.source, context.facts.get(name))),
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
  if (from.kind === 'files') {
    if (facts?.hasFiles === true) return [];
    const suggestion = `a folder of images is written with a slash at its end: ${source}/`;
    return facts?.size === undefined
      ? [{ path, message: `no Parquet file fits ${from.pattern}` }]
      : [{ path, message: `${source} is a folder, and no Parquet file is in it`, suggestion }];
  }
  if (!isReadable(source)) {
    return [
      {
        path,
        message: `"${source}" is of no format that can be read`,
        suggestion: `the file's name ends in ${listed(sourceExtensions)}`,
      },
    ];
  }
  if (facts?.size === undefined) return [{ path, message: `there is no file ${source}`, suggestion: 'the path is relative to gyre.yaml' }];
  if (!facts.isFile) return [{ path, message: `${source} is a folder; a file is needed` }];
  return facts.size === 0 ? [{ path, message: `the file ${source} is empty` }] : [];
}

/** What says how a table is read, where no table is read. */
function unusedOptions(name: string, spec: DatasetSpec): Finding[] {
  const isTable = !isJoin(spec.source) && typeof pathOrImages(spec.source) === 'string';
  return (['watermark', 'dialect', 'timestamps'] as const)
    .filter((member) => spec[member] !== undefined && !isTable)
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
