import { extname } from 'node:path';
import type { DatasetSpec, ImageSource } from '#contract';
import { columnFinding, isDay, parsed } from './check-context.ts';
import type { CheckContext } from './check-context.ts';
import { checkJoin } from './check-join.ts';
import { checkQuality } from './check-quality.ts';
import { checkSchedule } from './check-schedule.ts';
import { checkSplit } from './check-split.ts';
import { checkImages, pathOrImages } from './image-facts.ts';
import { sourceExtensions } from './dataset-columns.ts';
import type { DatasetFacts } from './dataset-columns.ts';
import { isJoin } from './join.ts';
import type { Finding } from './problems.ts';
import { columnsOfCondition, parseRowCondition } from './row-condition.ts';
import { listed } from './suggest.ts';

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
  const extension = extname(source).toLowerCase();
  if (extension === '' && facts?.size !== undefined && !facts.isFile)
    return [{ path, message: `${source} is a folder`, suggestion: `a folder of images is written with a slash at its end: ${source}/` }];
  if (!(sourceExtensions as readonly string[]).includes(extension)) {
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

function checkColumns(context: CheckContext, name: string, spec: DatasetSpec): Finding[] {
  const findings: Finding[] = [];
  findings.push(...columnFinding(context, name, spec.key, ['data', name, 'key']));
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
