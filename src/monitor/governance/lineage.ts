import type { GovernanceDeps, Lineage, LineageNode } from './port.ts';
import { findVersion } from './versions.ts';

/** See `Governance.lineage`. */
export async function lineage(deps: GovernanceDeps, modelVersion: string): Promise<Lineage> {
  const version = await findVersion(deps.registry, modelVersion);
  const run = await deps.training.getRun(version.run);
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

  const transform = run.inputs.find(({ role }) => role === 'transform')?.digest;
  if (transform !== undefined) {
    const { name, features } = await deps.features.get(transform);
    node({ id: transform, kind: 'transform', title: `${name}, ${features.length} features` });
    edge(transform, run.id, 'transform');
  }
  node({ id: run.id, kind: 'run', title: `${run.trainer ?? 'run'} ${run.name}` });
  for (const { role, digest } of run.inputs) {
    if (role === 'transform') continue;
    await addDataset(digest);
    edge(digest, run.id, role);
    if (transform !== undefined && role.startsWith('train')) edge(digest, transform, 'fit');
  }
  node({ id: version.id, kind: 'model_version', title: `${version.model} version ${version.version}` });
  edge(run.id, version.id, 'model');
  if (version.testReport !== undefined) {
    const report = await deps.evaluation.getReport(version.testReport);
    await addDataset(report.dataset);
    node({ id: report.id, kind: 'test_report', title: `test report, ${report.passed ? 'passed' : 'not passed'}` });
    edge(report.dataset, report.id, 'test');
    edge(run.id, report.id, 'judged');
    edge(report.id, version.id, 'evidence');
  }
  for (const deployment of await deps.release.deployments({ modelVersion: version.id })) {
    node({ id: deployment.id, kind: 'deployment', title: `${deployment.environment}, generation ${deployment.generation}` });
    edge(version.id, deployment.id, 'serves');
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}
