import { setImmediate as nextTurn } from 'node:timers/promises';
import { lengthOf } from '#tables';
import type { Column, Frame } from '#tables';
import { asCategories, associationOf, contingency, independence } from '../association.ts';
import { known } from './collector.ts';
import type { Collector } from './collector.ts';
import { never, strictly, unmeasured, warning } from './limits.ts';
import type { Finding } from './limits.ts';
import type { CheckLimits } from '#contract';
import { outOfFoldSeparation } from './single-column.ts';
import { onSample } from './subject.ts';
import type { QualitySubject } from './subject.ts';

/** From this association, or out-of-fold separation of one column alone, on a column looks like the target itself. */
const leaking = 0.98;

/** Chance, over all columns together, of calling an unrelated one related. */
const familyAlpha = 0.01;

/**
 * Relevance: can the columns help? Constant columns, columns like keys, columns that give the target away, columns related to the target.
 * Between columns others have their turn.
 */
export async function relevanceCollectors(subject: QualitySubject): Promise<Collector[]> {
  return [known(...(await relevanceFindings(subject)).map((finding) => onSample(subject, finding)))];
}

async function relevanceFindings({ sample, request }: QualitySubject): Promise<Finding[]> {
  const { key, target, unused = [] } = request;
  const features = sample.names.filter((name) => name !== key && name !== target);
  if (features.length === 0) return [unmeasured('feature columns', 'there is no column beside key and target')];
  const constant = features.filter((name) => isConstant(sample.column(name)));
  const likeKeys = features.filter((name) => isLikeKey(sample, name));
  return [
    columnsFinding('varying columns', features, constant, warning, (names) => `${names} never vary`, 'every column varies'),
    columnsFinding(
      'no hidden keys',
      features,
      likeKeys,
      warning,
      (names) => `nearly every row has its own value of ${names}: a key, nothing to learn from`,
      'no column beside the key looks like one',
    ),
    columnsFinding(
      'columns in use',
      features,
      features.filter((name) => unused.includes(name)),
      never,
      (names) => `no step uses ${names}`,
      'every column is a feature of a step',
    ),
    ...(target === undefined
      ? [unmeasured('no leak', 'no target was named'), unmeasured('related to the target', 'no target was named')]
      : await targetFindings(
          sample,
          target,
          features.filter((name) => !constant.includes(name) && !likeKeys.includes(name)),
        )),
  ];
}

async function targetFindings(frame: Frame, target: string, features: readonly string[]): Promise<Finding[]> {
  if (isConstant(frame.column(target))) {
    const why = `${target} has one value only`;
    return [unmeasured('no leak', why), unmeasured('related to the target', why)];
  }
  const strengths = [];
  for (const name of features) {
    const association = Math.abs(associationOf(frame, name, target)?.value ?? 0);
    strengths.push({ name, association, separation: outOfFoldSeparation(frame, name, target) });
    await nextTurn();
  }
  const leaks = strengths.filter(({ association, separation }) => association >= leaking || (separation?.value ?? 0) >= leaking);
  const classes = asCategories(frame.column(target));
  const unrelated = features.filter((name) => {
    // a missing value may tell as much as a value: it is a category of its own
    const codes = Int32Array.from(asCategories(frame.column(name)), (code) => code + 1);
    const table = contingency(codes, classes);
    return table === undefined || independence(table).pValue >= familyAlpha / features.length;
  });
  const strongest = [...strengths].sort((left, right) => right.association - left.association).slice(0, 3);
  const named = strongest.map(({ name, association }) => `${name} ${association.toFixed(2)}`).join(', ');
  const leak = columnsFinding(
    'no leak',
    features,
    leaks.map(({ name }) => name),
    strictly,
    (names) => `${names} give ${target} away: known only afterwards, or a copy of it`,
    `no column gives ${target} away (strongest: ${named})`,
  );
  const separations = leaks.slice(0, 5).map(({ name, association, separation }) => ({
    column: name,
    value: Number((separation?.value ?? association).toFixed(4)),
    note: separation === undefined ? 'association' : `${separation.measure} of this column alone, out of fold`,
  }));
  return [
    { ...leak, examples: separations },
    columnsFinding(
      'related to the target',
      features,
      unrelated,
      never,
      (names) => `no relation with ${target} can be shown for ${names}; strongest: ${named}`,
      `every column is related to ${target}; strongest: ${named}`,
    ),
  ];
}

function columnsFinding(
  name: string,
  columns: readonly string[],
  failing: readonly string[],
  limits: CheckLimits,
  failed: (names: string) => string,
  passed: string,
): Finding {
  if (columns.length === 0) return unmeasured(name, 'no column is left to look at');
  return {
    name,
    score: 1 - failing.length / columns.length,
    weight: 1,
    limits,
    message: failing.length > 0 ? failed(failing.join(', ')) : passed,
    failing: failing.length,
    applied: columns.length,
    examples: failing.slice(0, 5).map((column) => ({ column, value: null })),
  };
}

function isConstant(column: Column): boolean {
  const values = column.kind === 'text' ? column.codes : column.values;
  for (let row = 1; row < lengthOf(column); row++) if (!Object.is(values[row], values[0])) return false;
  return true;
}

/** Nearly all different texts, or whole numbers that are all different. */
function isLikeKey(frame: Frame, name: string): boolean {
  const column = frame.column(name);
  if (frame.rows < 20 || frame.typeOf(name) === 'number' || column.kind === 'instant') return false;
  const distinct = new Set(column.kind === 'text' ? column.codes : column.values).size;
  return column.kind === 'text' ? distinct > 0.95 * frame.rows : distinct === frame.rows;
}
