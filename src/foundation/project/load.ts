import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Project } from '#contract';
import type { TableSchema } from '#contract';
import { digestOf } from '#core';
import type { CheckContext } from './check-context.ts';
import { checkData } from './check-data.ts';
import { checkCharter, checkCi, checkMonitor, checkRelease, checkServe, checkTest } from './check-operations.ts';
import { checkSteps } from './check-steps.ts';
import { joinedFacts } from './check-join.ts';
import { datasetFacts, queryFacts } from './dataset-columns.ts';
import type { DatasetFacts } from './dataset-columns.ts';
import { filesFacts, isFiles } from './files-facts.ts';
import { imageFacts, pathOrImages } from './image-facts.ts';
import { filled } from './defaults.ts';
import { isJoin } from './join.ts';
import { isQuery } from './table-source.ts';
import { projectError } from './problems.ts';
import type { Finding, Problem } from './problems.ts';
import { readProjectSource } from './project-source.ts';
import { checkSettings, resolveReferences } from './references.ts';
import type { Environment } from './references.ts';
import { resolveProject } from './resolve.ts';
import type { LoadedProject } from './resolved.ts';
import { problemIn, readTableSchema } from './schema-file.ts';
import { jsonSchema, shapeFindings } from './shape.ts';

export interface LoadOptions {
  /** Where `${env:NAME}` is looked up. Default: nothing is set. */
  readonly environment?: Environment;
  /** The names that `settings` may hold; default: any. */
  readonly knownSettings?: readonly string[];
}

export interface CheckedProject {
  /** In the order of the files' lines; errors and warnings. */
  readonly problems: readonly Problem[];
  /** Undefined when there are errors. */
  readonly project?: LoadedProject;
}

/** Checks a project's files, all of them, without running anything. Problems are values: nothing is thrown for a wrong project. */
export async function checkProject(folder: string, options: LoadOptions = {}): Promise<CheckedProject> {
  const root = resolve(folder);
  const source = await readProjectSource(root);
  if (!source.ok) return { problems: source.problems };
  const located = (finding: Finding): Problem => problemIn(source.file, finding, source.locate(finding.path, finding.atKey));
  const schema = jsonSchema(Project);
  const value = filled(schema, source.value);
  const shape = shapeFindings(schema, value);
  if (shape.length > 0) return { problems: inFileOrder(shape.map(located)) };
  // The shape holds, so the value is what its schema says.
  const project = value as Project;
  const { schemas, facts, problems: schemaProblems } = await lookAtData(root, project);
  const context: CheckContext = { project, facts, absent: await absentFiles(root, project) };
  const environment = options.environment ?? {};
  const findings = [
    ...checkCharter(context),
    ...checkData(context),
    ...checkSteps(context),
    ...checkTest(context),
    ...checkRelease(context),
    ...checkServe(context),
    ...checkCi(context),
    ...checkMonitor(context),
    ...checkSettings(project.settings ?? {}, environment, options.knownSettings),
  ];
  const problems = [...inFileOrder(findings.map(located)), ...schemaProblems(located)];
  if (problems.some(({ severity }) => severity === 'error')) return { problems };
  return {
    problems,
    project: {
      folder: root,
      file: source.file,
      text: source.text,
      digest: digestOf(project),
      project,
      resolved: resolveProject(project),
      schemas,
      settings: Object.fromEntries(
        Object.entries(project.settings ?? {}).map(([name, value]) => [
          name,
          typeof value === 'string' ? resolveReferences(value, environment) : value,
        ]),
      ),
      warnings: problems,
    },
  };
}

/** Loads a project. @throws GyreError INVALID_ARGUMENT listing every problem with file, line and column (`details.problems`) */
export async function loadProject(folder: string, options: LoadOptions = {}): Promise<LoadedProject> {
  const { project, problems } = await checkProject(folder, options);
  if (project === undefined) throw projectError(problems);
  return project;
}

/** The networks of transforms of pictures that are no files. */
async function absentFiles(folder: string, { steps }: Project): Promise<ReadonlySet<string>> {
  const named = Object.values(steps).flatMap((step) =>
    'transform' in step && step.transform.image !== undefined ? [step.transform.image.backbone] : [],
  );
  const isFile = async (path: string): Promise<boolean> => (await stat(resolve(folder, path)).catch(() => undefined))?.isFile() === true;
  const absent = new Set<string>();
  for (const path of named) if (!(await isFile(path))) absent.add(path);
  return absent;
}

async function lookAtData(
  folder: string,
  project: Project,
): Promise<{
  readonly schemas: Readonly<Record<string, TableSchema>>;
  readonly facts: ReadonlyMap<string, DatasetFacts>;
  readonly problems: (located: (finding: Finding) => Problem) => Problem[];
}> {
  const schemas: Record<string, TableSchema> = {};
  const facts = new Map<string, DatasetFacts>();
  const inProject: Finding[] = [];
  const inSchemas: Problem[] = [];
  for (const [name, spec] of Object.entries(project.data)) {
    if (spec.expect !== undefined) {
      const { schema, problems } = await readTableSchema(folder, spec.expect);
      if (schema !== undefined) schemas[name] = schema;
      // A file that is not there is the fault of the line that names it.
      const missing = problems.find(({ line }) => line === undefined && schema === undefined);
      if (missing === undefined) inSchemas.push(...problems);
      else inProject.push({ path: ['data', name, 'expect'], message: `${spec.expect}: ${missing.message}` });
    }
    if (isJoin(spec.source)) continue;
    if (isQuery(spec.source)) {
      facts.set(name, await queryFacts(folder, spec.source, schemas[name]));
      continue;
    }
    if (isFiles(spec.source)) {
      facts.set(name, await filesFacts(folder, spec.source, schemas[name]));
      continue;
    }
    const source = pathOrImages(spec.source);
    const looked = typeof source === 'string' ? datasetFacts(folder, source, schemas[name]) : imageFacts(folder, source, schemas[name]);
    facts.set(name, await looked);
  }
  for (const name of Object.keys(project.data)) facts.set(name, joinedFacts(project, name, facts, schemas));
  return { schemas, facts, problems: (located) => [...inProject.map(located), ...inSchemas] };
}

function inFileOrder(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((left, right) => (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0));
}
