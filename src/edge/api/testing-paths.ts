import type { TrainedVersion } from '#contract';

/** What the words of paths that are no ids stand for. */
function wordsIn(path: string): Readonly<Record<string, string>> {
  return {
    step: 'count',
    repository: 'vision',
    version: 'candidate',
    key: 'validation_roc_auc',
    kind: 'model_version',
    '*': path.includes('artifacts') ? 'model.onnx' : 'model-card.md',
  };
}

/**
 * The path of a route that reads, with what the loop left in place of its parameters, and the query that it cannot do without.
 * @param ids by the word behind `/api/v1/`
 */
export function filledPath(path: string, ids: Readonly<Record<string, string>>, version: TrainedVersion): string {
  const [, , , kind] = path.split('/');
  const words = wordsIn(path);
  const filled = path
    .replace('/trace/:kind/:id', `/trace/model_version/${version.id}`)
    .replaceAll(/:(\w+)|\*$/g, (_, name?: string) => encodeURIComponent(words[name ?? '*'] ?? ids[kind] ?? ''));
  const queries: Readonly<Record<string, string>> = {
    '/api/v1/readiness': `?modelVersion=${version.model}@1&environment=production`,
    '/api/v1/policy-evidence': `?modelVersion=${version.model}@1&environment=production`,
    '/api/v1/decisions': `?modelVersion=${version.model}@1`,
    '/api/v1/performance': '?environment=test&endpoint=churn&from=2026-06-01T00:00:00Z&to=2026-06-03T00:00:00Z',
    '/api/v1/release-diff': `?from=test&to=${version.model}@1`,
    '/api/v1/datasets': '?limit=2',
    '/api/v1/quality-trend': '?dataset=customers',
    '/api/v1/workspace/log': '?path=notes.txt',
  };
  return filled + (queries[path] ?? '');
}
