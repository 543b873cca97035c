import { asSha256, GyreError } from '#core';
import type { DatasetVersion, QualityReport, Split } from '#contract';
import { comparedDatasets, declaredColumns, filesIngestRequest, imageIngestRequest, projectQuality, tableIngestRequest } from '#data';
import type { ImageIngested } from '#data';
import type { StepHandler } from '#pipelines';
import type { LoadedProject, ResolvedDataset } from '#project';
import type { LoopRooms } from './rooms.ts';
import { text } from './values.ts';

/** Outputs of a quality step that begin so tell which version of another dataset the rows were held against. */
const against = 'against.';

/** Says which columns look personal while nobody has said whether they are: they are masked until then. */
async function unsaidPersonal(data: LoopRooms['data'], { schemas, resolved }: LoadedProject, version: DatasetVersion): Promise<string> {
  const reviewed = Object.hasOwn(schemas, version.dataset) ? [schemas[version.dataset]] : Object.values(schemas);
  const said = new Set([...declaredColumns([version.schema, ...reviewed]), ...(resolved.charter.personalData?.columns ?? [])]);
  const unsaid = (await data.suggestPersonal(version)).map(({ column }) => column).filter((column) => !said.has(column));
  return unsaid.length === 0 ? '' : `; looks personal, and is masked until the schema says whether it is: ${unsaid.join(', ')}`;
}

/** The steps that make a source into versions: ingest, quality, split. */
export function dataSteps(rooms: Pick<LoopRooms, 'data' | 'blobs' | 'project'>): readonly StepHandler[] {
  const { data } = rooms;
  const versionStillThere = async (outputs: Readonly<Record<string, unknown>>): Promise<boolean> => {
    const version = await data.get(text(outputs, 'version'));
    return rooms.blobs.has(asSha256(version.rowsDigest));
  };
  /** The newest version of each dataset that rows are held against, as outputs of the step. */
  const newestOf = async (datasets: readonly string[]): Promise<Record<string, string>> => {
    const newest: Record<string, string> = {};
    for (const dataset of datasets)
      newest[`${against}${dataset}`] = (await data.list({ dataset, part: null, limit: 1 })).items[0]?.digest ?? '';
    return newest;
  };
  return [
    {
      kind: 'data.ingest',
      version: '1',
      cacheable: true,
      stillThere: async (outputs) => outputs['asked'] !== true && (await versionStillThere(outputs)),
      run: async (context) => {
        const project = rooms.project();
        const dataset = datasetOf(project, text(context.parameters, 'dataset'));
        if (dataset.images !== undefined)
          return ingestedImages(
            await data.ingestImages({
              ...imageIngestRequest(project, dataset.name, context.by),
              signal: context.signal,
              onProgress: (done, total) => context.progress(done, total, 'images'),
            }),
          );
        if (dataset.isFiles === true) {
          const { version, violations, summary } = await data.ingestFiles({
            ...filesIngestRequest(project, dataset.name, context.by),
            signal: context.signal,
            onProgress: (done, total) => context.progress(done, total, 'files'),
          });
          return { outputs: { version: version.digest, rows: version.manifest.rows, violations: violations.length }, summary };
        }
        const request = tableIngestRequest(project, dataset.name, context.by);
        const { version, created, violations } = await data.ingest({ ...request, signal: context.signal });
        // what a database or a server has is known when it is asked: a run asks each time
        const asked = ['url', 'postgres', 'mysql', 'sqlite'].includes(dataset.from?.kind ?? '') ? { asked: true } : {};
        return {
          outputs: { version: version.digest, rows: version.manifest.rows, violations: violations.length, ...asked },
          summary: `${version.manifest.rows} rows, ${version.schema.columns.length} columns as version ${version.digest.slice(0, 12)}${created ? '' : ' (the same bytes: known already)'}${await unsaidPersonal(data, project, version)}`,
        };
      },
    },
    {
      kind: 'data.join',
      version: '1',
      cacheable: true,
      stillThere: versionStillThere,
      run: async (context) => {
        const project = rooms.project();
        const { name, join: from, source } = datasetOf(project, text(context.parameters, 'dataset'));
        if (from === undefined) throw new GyreError('FAILED_PRECONDITION', `"${name}" is not joined from others any more: run again`);
        const { version, created } = await data.join({
          ...from,
          dataset: name,
          version: text(context.inputs, from.base),
          sides: from.sides.map((side) => ({ ...side, version: text(context.inputs, side.dataset) })),
          source,
          ...(project.schemas[name] === undefined ? {} : { expect: project.schemas[name] }),
          by: context.by,
        });
        const { rows } = version.manifest;
        return {
          outputs: { version: version.digest, rows },
          summary: `${rows} rows, ${version.schema.columns.length} columns as version ${version.digest.slice(0, 12)}, ${source}${created ? '' : ' (known already)'}${await unsaidPersonal(data, project, version)}`,
        };
      },
    },
    {
      kind: 'data.quality',
      version: '4',
      cacheable: true,
      stillThere: async (outputs) => {
        if (outputs['asked'] === true) return false;
        const compared = Object.keys(outputs).filter((name) => name.startsWith(against));
        const newest = await newestOf(compared.map((name) => name.slice(against.length)));
        if (compared.some((name) => outputs[name] !== newest[name])) return false;
        return (await data.getQuality(text(outputs, 'report'))).id === text(outputs, 'report') && (await versionStillThere(outputs));
      },
      run: async (context) => {
        const project = rooms.project();
        const dataset = datasetOf(project, text(context.parameters, 'dataset'));
        const request = { ...projectQuality(project, dataset.name), by: context.by };
        const version = text(context.inputs, 'version');
        // looked up first: what comes in between is noticed the next time
        const compared = await newestOf(comparedDatasets(request));
        const whole = await data.quality(version, request);
        const { quarantine } = whole;
        // what goes on is judged by itself: nothing of what was set aside may hide in its scores
        const report = quarantine === undefined ? whole : await data.quality(quarantine.kept, { ...request, quarantine: false });
        if (report.violations > 0) throw new GyreError('FAILED_PRECONDITION', violationText(dataset.name, report), { report: report.id });
        const aside = quarantine === undefined ? '' : `${quarantine.rows} rows set aside (${quarantine.version.slice(0, 12)}); `;
        return {
          outputs: {
            ...compared,
            report: report.id,
            version: quarantine?.kept ?? version,
            ...(quarantine === undefined ? {} : { quarantine: quarantine.version }),
            // what production saw is known when it is asked: a run asks each time
            ...(request.productionMs === undefined ? {} : { asked: true }),
          },
          summary: `${aside}${scoresText(report)}`,
        };
      },
    },
    {
      kind: 'data.split',
      version: '1',
      cacheable: true,
      stillThere: async (outputs) => (await data.getSplit(text(outputs, 'split'))).id === text(outputs, 'split'),
      run: async (context) => {
        const dataset = datasetOf(rooms.project(), text(context.parameters, 'dataset'));
        const split = await data.split(text(context.inputs, 'version'), {
          ...dataset.split,
          dataset: dataset.name,
          ...(dataset.key === undefined ? {} : { key: dataset.key }),
          by: context.by,
        });
        const { comparisons } = await data.splitReport(split.id);
        const biased = comparisons.filter(({ verdict }) => verdict === 'biased').map(({ message }) => message);
        return {
          outputs: splitOutputs(split),
          summary: [splitText(split), ...biased].join('; '),
        };
      },
    },
  ];
}

/** The split with each part and validation set by name, as later steps read them. */
export function splitOutputs({ id, parts, sets = [] }: Split): Record<string, string> {
  return {
    split: id,
    ...Object.fromEntries(parts.map(({ part, version }) => [`part.${part}`, version])),
    ...Object.fromEntries(sets.map(({ set, version }) => [`set.${set}`, version])),
  };
}

function splitText({ parts, sets = [] }: Split): string {
  const dealt = parts.map(({ part, rows }) => `${part} ${rows}`).join(', ');
  return sets.length === 0 ? dealt : `${dealt}; held out: ${sets.map(({ set, rows }) => `${set} ${rows}`).join(', ')}`;
}

function ingestedImages({ version, violations, summary }: ImageIngested): Awaited<ReturnType<StepHandler['run']>> {
  return { outputs: { version: version.digest, rows: version.manifest.rows, violations: violations.length }, summary };
}

/** @throws GyreError NOT_FOUND naming the datasets that there are */
export function datasetOf(project: LoadedProject, name: string): ResolvedDataset {
  const { datasets } = project.resolved;
  const found = datasets.find((dataset) => dataset.name === name);
  if (found !== undefined) return found;
  throw new GyreError('NOT_FOUND', `the project has no dataset "${name}"; it has ${datasets.map((dataset) => dataset.name).join(', ')}`);
}

function violationText(dataset: string, report: QualityReport): string {
  const failing = report.characteristics.flatMap(({ name, score, limits, checks }) => [
    ...checks.filter(({ outcome }) => outcome === 'fail').map(({ name: check, message }) => `${check}: ${message}`),
    ...(score !== null && limits.fail !== undefined && score < limits.fail ? [`${name} ${score.toFixed(3)} is below ${limits.fail}`] : []),
  ]);
  const more = failing.length > 3 ? `; and ${failing.length - 3} more` : '';
  return `"${dataset}" fails ${report.violations} quality check${report.violations === 1 ? '' : 's'}: ${failing.slice(0, 3).join('; ')}${more}`;
}

function scoresText(report: QualityReport): string {
  return report.characteristics.map(({ name, score }) => `${name} ${score === null ? 'not measurable' : score.toFixed(2)}`).join(', ');
}
