import { join } from 'node:path';
import { asSha256, GyreError } from '#core';
import type { QualityReport } from '#contract';
import type { StepHandler } from '#pipelines';
import type { LoadedProject, ResolvedDataset } from '#project';
import type { LoopRooms } from './rooms.ts';
import { text } from './values.ts';

/** The steps that make a source into versions: ingest, quality, split. */
export function dataSteps(rooms: LoopRooms): readonly StepHandler[] {
  const { data } = rooms;
  const versionStillThere = async (outputs: Readonly<Record<string, unknown>>): Promise<boolean> => {
    const version = await data.get(text(outputs, 'version'));
    return rooms.blobs.has(asSha256(version.rowsDigest));
  };
  return [
    {
      kind: 'data.ingest',
      version: '1',
      cacheable: true,
      stillThere: versionStillThere,
      run: async (context) => {
        const project = rooms.project();
        const dataset = datasetOf(project, text(context.parameters, 'dataset'));
        const schema = project.schemas[dataset.name];
        const { version, created, violations } = await data.ingest({
          dataset: dataset.name,
          path: join(project.folder, dataset.source),
          source: dataset.source,
          key: dataset.key,
          ...(dataset.target === undefined ? {} : { target: dataset.target }),
          ...(schema === undefined ? {} : { expect: schema }),
          ...(dataset.where === undefined ? {} : { where: dataset.where }),
          by: context.by,
        });
        return {
          outputs: { version: version.digest, rows: version.manifest.rows, violations: violations.length },
          summary: `${version.manifest.rows} rows, ${version.schema.columns.length} columns as version ${version.digest.slice(0, 12)}${created ? '' : ' (the same bytes: known already)'}`,
        };
      },
    },
    {
      kind: 'data.quality',
      version: '1',
      cacheable: true,
      stillThere: async (outputs) => (await data.getQuality(text(outputs, 'report'))).id === text(outputs, 'report'),
      run: async (context) => {
        const project = rooms.project();
        const dataset = datasetOf(project, text(context.parameters, 'dataset'));
        const schema = project.schemas[dataset.name];
        const report = await data.quality(text(context.inputs, 'version'), {
          key: dataset.key,
          ...(schema === undefined ? {} : { schema }),
          ...(dataset.target === undefined ? {} : { target: dataset.target }),
          ...(dataset.asOf === undefined ? {} : { asOf: Date.parse(`${dataset.asOf}T00:00:00Z`) }),
          ...(dataset.maxAgeMs === undefined ? {} : { maxAgeMs: dataset.maxAgeMs }),
          by: context.by,
        });
        if (report.violations > 0) throw new GyreError('FAILED_PRECONDITION', violationText(dataset.name, report), { report: report.id });
        return { outputs: { report: report.id }, summary: scoresText(report) };
      },
    },
    {
      kind: 'data.split',
      version: '1',
      cacheable: true,
      stillThere: async (outputs) => (await data.getSplit(text(outputs, 'split'))).id === text(outputs, 'split'),
      run: async (context) => {
        const dataset = datasetOf(rooms.project(), text(context.parameters, 'dataset'));
        const { parts, salt, stratify } = dataset.split;
        const split = await data.split(text(context.inputs, 'version'), {
          dataset: dataset.name,
          key: dataset.key,
          parts,
          salt,
          ...(stratify === undefined ? {} : { stratify }),
          by: context.by,
        });
        return {
          outputs: { split: split.id, ...Object.fromEntries(split.parts.map(({ part, version }) => [`part.${part}`, version])) },
          summary: split.parts.map(({ part, rows }) => `${part} ${rows}`).join(', '),
        };
      },
    },
  ];
}

/** @throws GyreError NOT_FOUND naming the datasets that there are */
export function datasetOf(project: LoadedProject, name: string): ResolvedDataset {
  const { datasets } = project.resolved;
  const found = datasets.find((dataset) => dataset.name === name);
  if (found !== undefined) return found;
  throw new GyreError('NOT_FOUND', `the project has no dataset "${name}"; it has ${datasets.map((dataset) => dataset.name).join(', ')}`);
}

function violationText(dataset: string, report: QualityReport): string {
  const failing = report.characteristics
    .flatMap(({ checks }) => checks)
    .filter((check) => check.severity === 'error' && check.score !== null && check.score < 1);
  const first = failing.slice(0, 3).map((check) => check.message);
  return `"${dataset}" breaks ${report.violations} expectation${report.violations === 1 ? '' : 's'} of its schema: ${first.join('; ')}`;
}

function scoresText(report: QualityReport): string {
  return report.characteristics.map(({ name, score }) => `${name} ${score === null ? 'not measurable' : score.toFixed(2)}`).join(', ');
}
