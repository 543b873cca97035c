import type { DatasetSpec, SplitSpec, ValidationSetSpec } from '#contract';
import { columnFinding } from './check-context.ts';
import type { CheckContext } from './check-context.ts';
import type { Finding, PathStep } from './problems.ts';
import { suggestionFor } from './suggest.ts';

/** How far the fractions of a split may add up from 1: what decimal fractions lose in binary. */
const fractionTolerance = 1e-9;

const needed = ['train', 'validation', 'test'];

/** What does not hold in a dataset's `split` section. */
export function checkSplit(context: CheckContext, name: string, { split }: DatasetSpec): Finding[] {
  if (split === undefined) return [];
  const path = ['data', name, 'split'];
  const trains = Object.values(context.project.steps).some((step) => 'transform' in step && step.of === name);
  return [
    ...checkParts(split, [...path, 'parts'], trains),
    ...(split.stratify === undefined ? [] : columnFinding(context, name, split.stratify, [...path, 'stratify'])),
    ...checkStrategy(context, name, split, path),
    ...checkBegins(split, path),
    ...Object.entries(split.sets ?? {}).flatMap(([set, spec]) =>
      checkSet(context, name, { set, spec, parts: split.parts, path: [...path, 'sets', set] }),
    ),
  ];
}

function checkParts({ parts }: SplitSpec, path: readonly PathStep[], trains: boolean): Finding[] {
  const findings: Finding[] = [];
  const fractions = Object.entries(parts);
  const sum = fractions.reduce((total, [, fraction]) => total + fraction, 0);
  if (fractions.length === 0)
    findings.push({ path, message: 'names no part', suggestion: 'such as { train: 0.7, validation: 0.15, test: 0.15 }' });
  else if (Math.abs(sum - 1) > fractionTolerance) {
    const [last, fraction] = fractions[fractions.length - 1];
    const right = rounded(fraction + 1 - sum);
    const suggestion = right > 0 ? `with ${last}: ${right} it would be` : 'make them smaller';
    findings.push({ path, message: `the fractions add up to ${rounded(sum)}, not to 1`, suggestion });
  }
  if (!trains) return findings;
  for (const part of needed.filter((wanted) => !Object.hasOwn(parts, wanted))) {
    findings.push({
      path,
      message: `has no part "${part}", which training needs`,
      suggestion: 'models are fitted on train, chosen on validation, judged on test',
    });
  }
  return findings;
}

type Strategies = Pick<ValidationSetSpec, 'stratify' | 'group' | 'time' | 'location' | 'cell'>;

function checkStrategy(context: CheckContext, name: string, spec: Omit<Strategies, 'stratify'>, path: readonly PathStep[]): Finding[] {
  const findings: Finding[] = [];
  const named = (['group', 'time', 'location'] as const).filter((word) => spec[word] !== undefined);
  if (named.length > 1) {
    const suggestion = 'make a validation set for each';
    findings.push({ path, message: `names ${named.join(' and ')}; rows are dealt by one of them`, suggestion });
  }
  for (const word of named) {
    const columns = spec[word] ?? [];
    for (const column of typeof columns === 'string' ? [columns] : columns)
      findings.push(...columnFinding(context, name, column, [...path, word]));
  }
  if (spec.cell !== undefined && (typeof spec.location === 'string' || spec.location?.length !== 2)) {
    const suggestion = 'such as location: [latitude, longitude]';
    findings.push({ path: [...path, 'cell'], message: 'is for two columns of degrees, latitude and longitude', suggestion });
  }
  return findings;
}

function checkBegins({ parts, time, from }: SplitSpec, path: readonly PathStep[]): Finding[] {
  if (from === undefined) return [];
  if (time === undefined)
    return [{ path: [...path, 'from'], message: 'says when parts begin, but not by which column', suggestion: 'add "time: COLUMN"' }];
  const [first = '', ...later] = Object.keys(parts);
  const findings: Finding[] = later
    .filter((part) => !Object.hasOwn(from, part))
    .map((part) => ({ path: [...path, 'from'], message: `does not say when part "${part}" begins` }));
  for (const part of Object.keys(from).filter((each) => !later.includes(each))) {
    const suggestion = part === first ? 'the first part has all that is earlier' : suggestionFor(part, later, 'parts');
    findings.push({
      path: [...path, 'from', part],
      atKey: true,
      message: `"${part}" is no part that begins later than another`,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }
  return findings;
}

interface SetAt {
  readonly set: string;
  readonly spec: ValidationSetSpec;
  readonly parts: SplitSpec['parts'];
  readonly path: readonly PathStep[];
}

function checkSet(context: CheckContext, name: string, { set, spec, parts, path }: SetAt): Finding[] {
  const findings = [
    ...checkStrategy(context, name, spec, path),
    ...(spec.stratify === undefined ? [] : columnFinding(context, name, spec.stratify, [...path, 'stratify'])),
  ];
  if (Object.hasOwn(parts, set)) findings.push({ path, atKey: true, message: `"${set}" is the name of a part as well` });
  if (spec.stratify !== undefined && (spec.group ?? spec.time ?? spec.location) !== undefined)
    findings.push({ path, message: 'names stratify with another strategy; rows are dealt by one of them' });
  for (const [word, needs] of [
    ['from', 'time'],
    ['places', 'location'],
  ] as const)
    if (spec[word] !== undefined && spec[needs] === undefined)
      findings.push({ path: [...path, word], message: `goes with "${needs}", which is not named` });
  const fixed = spec.from !== undefined ? 'from' : spec.places !== undefined ? 'places' : undefined;
  if (spec.share === undefined && fixed === undefined)
    findings.push({ path, message: 'does not say how much it takes', suggestion: 'such as share: 0.1' });
  if (spec.share !== undefined && fixed !== undefined)
    findings.push({ path: [...path, 'share'], message: `is settled by "${fixed}" already; leave one out` });
  return findings;
}

function rounded(value: number): number {
  return Number(value.toFixed(9));
}
