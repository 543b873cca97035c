import type { SplitSpec, SplitStrategy, ValidationSetSpec } from '#contract';

/** How a dataset is cut, with every default settled. */
export interface ResolvedSplit {
  /** Part → fraction, in order. */
  readonly parts: Readonly<Record<string, number>>;
  readonly salt: string;
  readonly stratify?: string;
  /** What the parts are dealt by; the key of each row without it. */
  readonly strategy?: SplitStrategy;
  /** With the strategy `time`: where each part but the first begins. */
  readonly begins?: readonly (string | number)[];
  readonly sets: readonly ResolvedValidationSet[];
}

export interface ResolvedValidationSet {
  readonly set: string;
  readonly strategy: SplitStrategy;
  readonly share?: number;
}

const defaultParts: Readonly<Record<string, number>> = { train: 0.7, validation: 0.15, test: 0.15 };

/** @param project its name is the salt where none is written */
export function resolveSplit(project: string, spec: SplitSpec | undefined): ResolvedSplit {
  const { parts = defaultParts, salt = project, stratify, from, sets = {} } = spec ?? {};
  const strategy = strategyOf(spec ?? {});
  const [, ...later] = Object.keys(parts);
  return {
    parts,
    salt,
    ...(stratify === undefined ? {} : { stratify }),
    ...(strategy.strategy === 'random' ? {} : { strategy }),
    ...(from === undefined ? {} : { begins: later.map((part) => from[part]) }),
    sets: Object.entries(sets).map(([set, each]) => ({ set, ...resolveSet(each) })),
  };
}

function resolveSet({ share, stratify, from, places, ...rest }: ValidationSetSpec): Omit<ResolvedValidationSet, 'set'> {
  const strategy = stratify === undefined ? strategyOf(rest) : { strategy: 'stratified' as const, columns: [stratify] };
  return {
    strategy: { ...strategy, ...(from === undefined ? {} : { from }), ...(places === undefined ? {} : { places }) },
    ...(share === undefined ? {} : { share }),
  };
}

function strategyOf({ group, time, location, cell }: Pick<ValidationSetSpec, 'group' | 'time' | 'location' | 'cell'>): SplitStrategy {
  if (group !== undefined) return { strategy: 'group', columns: listOf(group) };
  if (time !== undefined) return { strategy: 'time', columns: [time] };
  if (location !== undefined) return { strategy: 'location', columns: listOf(location), ...(cell === undefined ? {} : { cell }) };
  return { strategy: 'random', columns: [] };
}

const listOf = (columns: string | readonly string[]): string[] => (typeof columns === 'string' ? [columns] : [...columns]);
