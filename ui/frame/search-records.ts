import type { Alert, DatasetVersion, Experiment, ModelVersion, PipelineRun, ReportSummary, Run, SavedView, Study } from '#contract';
import { ApiError, get } from '../lib/api.ts';
import { recordPath, versionPath } from '../lib/records.ts';
import type { Page } from '../lib/resource.ts';

/** A record that the search may lead to. */
export interface Found {
  readonly kind: string;
  readonly text: string;
  readonly id: string;
  readonly href: string;
  /** Digests and names by which it is found as well. */
  readonly also?: readonly string[];
}

/** The newest records of each kind. A list that fails is left out: the others are still found. */
export async function searchable(): Promise<readonly Found[]> {
  const lists = await Promise.all([
    listed<DatasetVersion>('datasets?limit=500', (item) => ({
      kind: 'dataset version',
      text: `${item.dataset}${item.part === undefined ? '' : `, ${item.part}`}`,
      id: item.digest,
      href: recordPath('dataset_version', item.digest),
      also: [item.rowsDigest, ...item.manifest.files.map(({ sha256 }) => sha256), item.source],
    })),
    listed<ModelVersion>('model-versions?limit=500', (item) => ({
      kind: 'model version',
      text: `${item.model} version ${item.version}${item.aliases.length === 0 ? '' : ` (${item.aliases.join(', ')})`}`,
      id: item.id,
      href: versionPath(item),
      also: [...(item.package === undefined ? [] : [item.package]), `${item.model}@${item.version}`],
    })),
    listed<Run>('runs?limit=500', (item) => ({
      kind: 'run',
      text: `${item.name} ${item.trainer ?? ''}`.trim(),
      id: item.id,
      href: recordPath('run', item.id),
    })),
    listed<Study>('studies?limit=200', (item) => ({ kind: 'study', text: item.name, id: item.id, href: recordPath('study', item.id) })),
    listed<Experiment>('experiments?limit=200', (item) => ({
      kind: 'experiment',
      text: item.name,
      id: item.id,
      href: recordPath('experiment', item.name),
    })),
    listed<SavedView>('views?limit=200', (item) => ({ kind: 'view', text: item.name, id: item.id, href: recordPath('view', item.id) })),
    listed<ReportSummary>('reports?limit=200', (item) => ({
      kind: 'report',
      text: item.title,
      id: item.id,
      href: recordPath('report', item.id),
    })),
    listed<PipelineRun>('pipeline-runs?limit=200', (item) => ({
      kind: 'pipeline run',
      text: `${item.pipeline}: ${item.reason}`,
      id: item.id,
      href: recordPath('pipeline_run', item.id),
    })),
    listed<Alert>('alerts?limit=200', (item) => ({ kind: 'alert', text: item.title, id: item.id, href: recordPath('alert', item.id) })),
  ]);
  return lists.flat();
}

async function listed<T>(route: string, found: (item: T) => Found): Promise<readonly Found[]> {
  try {
    return (await get<Page<T>>(route)).items.map(found);
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}

/** Those whose words all occur; what begins with the words comes first. A prediction's id leads to it although it is in no list. */
export function matching(records: readonly Found[], wanted: string): readonly Found[] {
  const text = wanted.trim().toLowerCase();
  if (text === '') return records;
  const terms = text.split(/\s+/);
  const scored = records.flatMap((record) => {
    const names = [record.text, record.kind, record.id, ...(record.also ?? [])].map((name) => name.toLowerCase());
    if (!terms.every((term) => names.some((name) => name.includes(term)))) return [];
    const score = names.some((name) => name === text) ? 0 : names.some((name) => name.startsWith(text)) ? 1 : 2;
    return [{ record, score }];
  });
  const found = scored.sort((a, b) => a.score - b.score).map(({ record }) => record);
  const id = wanted.trim();
  if (!/^\d+-[0-9a-f]{8}-[0-9a-f-]{36}$/i.test(id)) return found;
  return [...found, { kind: 'prediction', text: 'prediction', id, href: recordPath('prediction', id) }];
}
