import type { ModelVersion, Run } from '#contract';
import { hasCode } from '#core';
import type { GovernanceDeps, Lineage, LineageNode } from './port.ts';
import { findVersion } from './versions.ts';

/** See `Governance.lineage`. */
export async function lineage(deps: GovernanceDeps, modelVersion: string): Promise<Lineage> {
  const version = await findVersion(deps.registry, modelVersion);
  const run = await runOf(deps, version);
  const nodes = new Map<string, LineageNode>();
  const edges = new Map<string, Lineage['edges'][number]>();
  const node = (one: LineageNode): void => void nodes.set(one.id, one);
  const edge = (from: string, to: string, role: string): void => void edges.set(`${from} ${to} ${role}`, { from, to, role });

  const addDataset = async (digest: string): Promise<void> => {
    if (nodes.has(digest)) return;
    const { dataset, part, manifest } = await deps.data.get(digest);
    node({ id: digest, kind: 'dataset_version', title: `${part ?? dataset}, ${manifest.rows.toLocaleString('en')} rows` });
    for (const parent of manifest.derivedFrom?.parents ?? []) {
      await addDataset(parent);
      edge(parent, digest, manifest.derivedFrom?.operation ?? 'split');
    }
  };

  const addRun = async (one: Run): Promise<void> => {
    const transform = one.inputs.find(({ role }) => role === 'transform')?.digest;
    if (transform !== undefined) {
      const { name, features } = await deps.features.get(transform);
      node({ id: transform, kind: 'transform', title: `${name}, ${features.length} features` });
      edge(transform, one.id, 'transform');
    }
    node({ id: one.id, kind: 'run', title: `${one.trainer ?? 'run'} ${one.name}` });
    for (const { role, digest } of one.inputs) {
      if (role === 'transform') continue;
      await addDataset(digest);
      edge(digest, one.id, role);
      if (transform !== undefined && role.startsWith('train')) edge(digest, transform, 'fit');
    }
    edge(one.id, version.id, 'model');
  };

  if (run !== undefined) await addRun(run);
  node({ id: version.id, kind: 'model_version', title: `${version.model} version ${version.version}` });
  if (version.testReport !== undefined) {
    const report = await deps.evaluation.getReport(version.testReport);
    await addDataset(report.dataset);
    node({ id: report.id, kind: 'test_report', title: `test report, ${report.passed ? 'passed' : 'not passed'}` });
    edge(report.dataset, report.id, 'test');
    if (report.run !== undefined) edge(report.run, report.id, 'judged');
    edge(report.id, version.id, 'evidence');
  }
  for (const deployment of await deps.release.deployments({ modelVersion: version.id })) {
    node({ id: deployment.id, kind: 'deployment', title: `${deployment.environment}, generation ${deployment.generation}` });
    edge(version.id, deployment.id, 'serves');
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

/** The run of a version; undefined for one that was trained elsewhere, where Gyre has no record of it. */
async function runOf({ training }: GovernanceDeps, { run, brought, testReport }: ModelVersion): Promise<Run | undefined> {
  if (run === undefined) return undefined;
  try {
    return await training.getRun(run);
  } catch (error) {
    if ((testReport === undefined || brought !== undefined) && hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}
