import type { ModelVersion } from './model.ts';
import type { TestReport } from './test-report.ts';

/** One thing that is said of both of two versions; empty where there is nothing to say. */
export interface ComparedFact {
  readonly what: string;
  readonly left: string;
  readonly right: string;
}

/** A metric of two test reports. */
export interface ComparedMetric {
  readonly name: string;
  readonly left: number | null;
  readonly right: number | null;
  /** From left to right; absent where one of them has no value. */
  readonly difference?: number;
}

/** What two versions of a model are and what they take, side by side. What is said of neither is left out. */
export function compareVersions(left: ModelVersion, right: ModelVersion): readonly ComparedFact[] {
  const fact = (what: string, of: (version: ModelVersion, other: ModelVersion) => string): ComparedFact => ({
    what,
    left: of(left, right),
    right: of(right, left),
  });
  return [
    fact('What is special about it', ({ description }) => description),
    fact('Trained', ({ brought, testReport, run }) =>
      brought !== undefined || testReport === undefined ? 'elsewhere' : run === undefined ? '' : 'here',
    ),
    fact('Registered by', ({ createdBy }) => createdBy.name),
    fact('Package', ({ files }) =>
      files.length === 0 ? 'not in Gyre' : `${counted(files.length, 'file')}, ${counted(bytesOf(files), 'byte')}`,
    ),
    fact('Takes', (version) => counted(takenBy(version).length, 'column')),
    fact('Takes, the other does not', (version, other) =>
      takenBy(version)
        .filter((input) => !takenBy(other).includes(input))
        .join(', '),
    ),
    fact('Classes', ({ signature }) => signature?.classes.join(', ') ?? ''),
    fact('Decides at', ({ signature }) => String(signature?.threshold ?? '')),
    fact('Stage', ({ stage }) => stage),
    fact('Aliases', ({ aliases }) => aliases.join(', ')),
    fact('Tags', ({ tags }) =>
      Object.entries(tags)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
    ),
  ].filter((one) => one.left !== '' || one.right !== '');
}

/** The metrics that both reports have. */
export function compareMetrics(left: TestReport, right: TestReport): readonly ComparedMetric[] {
  return left.metrics.flatMap(({ name, value }) => {
    const other = right.metrics.find((metric) => metric.name === name);
    if (other === undefined) return [];
    const difference = value === null || other.value === null ? {} : { difference: other.value - value };
    return [{ name, left: value, right: other.value, ...difference }];
  });
}

function counted(count: number, one: string): string {
  return `${count.toLocaleString('en-US')} ${one}${count === 1 ? '' : 's'}`;
}

function takenBy({ signature }: ModelVersion): readonly string[] {
  return signature?.inputs.map(({ name, type }) => `${name} (${type})`) ?? [];
}

function bytesOf(files: ModelVersion['files']): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
