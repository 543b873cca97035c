import type { CharterDocuments, DatasetVersion, Feasibility } from '#contract';
import { digestOf, hasCode, messageOf } from '#core';
import type { LoadedProject, ResolvedDataset } from '#project';
import type { Rooms } from '../port.ts';
import { dataReport } from './data-report.ts';
import type { DatasetFacts } from './data-report.ts';
import { openGaps } from './markdown.ts';
import { problemStatement } from './problem-statement.ts';
import { projectCharter } from './project-charter.ts';

type Needed = Pick<Rooms, 'charters' | 'data' | 'project' | 'access'>;

/** The three documents of phase zero as the project's file and its data are now, and who confirmed what. */
export async function charterDocuments(rooms: Needed): Promise<CharterDocuments> {
  const loaded = rooms.project.current();
  const gaps = openGaps();
  const facts = await Promise.all(loaded.resolved.datasets.map((dataset) => factsOf(rooms, loaded, dataset)));
  const { resolved, project } = loaded;
  const documents: CharterDocuments['documents'] = [
    { name: 'problem-statement', title: 'Problem statement', markdown: `${problemStatement(loaded, gaps)}\n` },
    { name: 'project-charter', title: 'Project charter', markdown: `${projectCharter(loaded, gaps)}\n` },
    {
      name: 'initial-data-report',
      title: 'Initial data report',
      markdown: `${dataReport(resolved.project, facts, await missingInfrastructure(rooms, loaded), gaps)}\n`,
    },
  ];
  const charter = digestOf(project.charter);
  const confirmations = await rooms.charters.confirmations(resolved.project);
  const recorded = (await rooms.charters.list(resolved.project)).find(({ digest }) => digest === charter);
  const last = confirmations.find((each) => each.charter === charter);
  const now = versionsOf(facts);
  return {
    charter,
    ...(recorded === undefined ? {} : { version: recorded.version }),
    documents,
    missing: gaps.missing,
    confirmed: last !== undefined,
    dataChanged: last === undefined ? [] : Object.keys(now).filter((name) => last.data[name] !== now[name]),
    confirmations: [...confirmations],
  };
}

/** Dataset → digest of its newest version. */
export async function newestVersions(rooms: Pick<Rooms, 'data' | 'project'>): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name } of rooms.project.current().resolved.datasets) {
    const version = await newest(rooms, name);
    if (version) found[name] = version.digest;
  }
  return found;
}

function versionsOf(facts: readonly DatasetFacts[]): Record<string, string> {
  return Object.fromEntries(facts.flatMap(({ name, version }) => (version ? [[name, version.digest]] : [])));
}

async function newest({ data }: Pick<Rooms, 'data'>, dataset: string): Promise<DatasetVersion | undefined> {
  return (await data.list({ dataset, part: null, limit: 1 })).items[0];
}

async function factsOf(rooms: Needed, loaded: LoadedProject, dataset: ResolvedDataset): Promise<DatasetFacts> {
  const { name } = dataset;
  const version = await newest(rooms, name);
  if (version === undefined) return { name };
  const quality = await rooms.data.getQuality(version.digest).catch((error: unknown) => {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  });
  const found = await feasibilityOf(rooms, loaded, dataset, version);
  return { name, version, ...(quality === undefined ? {} : { quality }), ...(found === undefined ? {} : { feasibility: found }) };
}

async function feasibilityOf(
  { data }: Needed,
  { resolved }: LoadedProject,
  { name, key, target }: ResolvedDataset,
  version: DatasetVersion,
): Promise<Feasibility | { readonly why: string } | undefined> {
  const step = resolved.steps.flatMap((each) => (each.kind === 'transform' && each.dataset === name ? [each] : []))[0];
  const predicted = step?.spec.target ?? target;
  if (predicted === undefined) return undefined;
  const { task, positive, transform } = step?.spec ?? {};
  try {
    return await data.feasibility(version.digest, {
      target: predicted,
      excluded: [...(key === undefined ? [] : [key]), ...(transform?.exclude ?? [])],
      success: resolved.success,
      ...(task === undefined ? {} : { task }),
      ...(positive === undefined ? {} : { positive }),
    });
  } catch (error) {
    // too few rows, one class: what the data cannot show is a finding of the report
    if (hasCode(error, 'FAILED_PRECONDITION') || hasCode(error, 'INVALID_ARGUMENT')) return { why: messageOf(error) };
    throw error;
  }
}

/** People that the way to production needs and that nobody is yet. */
async function missingInfrastructure({ access }: Needed, { resolved }: LoadedProject): Promise<string[]> {
  const identities = (await access.listIdentities()).filter(({ disabled }) => !disabled);
  const lacks = (role: 'qa' | 'approver'): boolean => !identities.some(({ roles }) => roles.includes(role));
  const missing: string[] = [];
  for (const { name, certify, approve } of resolved.environments) {
    if (certify !== undefined && lacks('qa')) missing.push(`nobody can certify for "${name}": \`gyre identity add NAME --role qa\``);
    if (approve !== undefined && lacks('approver'))
      missing.push(`nobody can approve for "${name}": \`gyre identity add NAME --role approver\``);
  }
  return missing;
}
