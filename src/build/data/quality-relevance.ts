import type { QualityCheck } from '#contract';
import { lengthOf } from '#tables';
import type { Column, Frame } from '#tables';
import { asCategories, associationOf, contingency, independence } from './association.ts';
import type { QualitySubject } from './quality-subject.ts';
import { unmeasured } from './quality-subject.ts';

/** From this association on a column looks like the target itself. */
const leaking = 0.98;

/** Chance, over all columns together, of calling an unrelated one related. */
const familyAlpha = 0.01;

/** Relevance: can the columns help? Constant columns, columns like keys, columns that give the target away, columns related to the target. */
export function relevanceChecks({ frame, request }: QualitySubject): QualityCheck[] {
  const { key, target } = request;
  const features = frame.names.filter((name) => name !== key && name !== target);
  if (features.length === 0) return [unmeasured('feature columns', 'there is no column beside key and target')];
  const constant = features.filter((name) => isConstant(frame.column(name)));
  const likeKeys = features.filter((name) => isLikeKey(frame, name));
  return [
    columnsCheck('varying columns', features, constant, 'warning', (names) => `${names} never vary`, 'every column varies'),
    columnsCheck(
      'no hidden keys',
      features,
      likeKeys,
      'warning',
      (names) => `nearly every row has its own value of ${names}: a key, nothing to learn from`,
      'no column beside the key looks like one',
    ),
    ...(target === undefined
      ? [unmeasured('no leak', 'no target was named'), unmeasured('related to the target', 'no target was named')]
      : targetChecks(
          frame,
          target,
          features.filter((name) => !constant.includes(name) && !likeKeys.includes(name)),
        )),
  ];
}

function targetChecks(frame: Frame, target: string, features: readonly string[]): QualityCheck[] {
  if (isConstant(frame.column(target))) {
    const why = `${target} has one value only`;
    return [unmeasured('no leak', why), unmeasured('related to the target', why)];
  }
  const strengths = features.map((name) => ({ name, value: Math.abs(associationOf(frame, name, target)?.value ?? 0) }));
  const leaks = strengths.filter(({ value }) => value >= leaking).map(({ name }) => name);
  const classes = asCategories(frame.column(target));
  const unrelated = features.filter((name) => {
    // a missing value may tell as much as a value: it is a category of its own
    const codes = Int32Array.from(asCategories(frame.column(name)), (code) => code + 1);
    const table = contingency(codes, classes);
    return table === undefined || independence(table).pValue >= familyAlpha / features.length;
  });
  const strongest = [...strengths].sort((left, right) => right.value - left.value).slice(0, 3);
  const named = strongest.map(({ name, value }) => `${name} ${value.toFixed(2)}`).join(', ');
  return [
    columnsCheck(
      'no leak',
      features,
      leaks,
      'error',
      (names) => `${names} give ${target} away: known only afterwards, or a copy of it`,
      `no column gives ${target} away (strongest: ${named})`,
    ),
    columnsCheck(
      'related to the target',
      features,
      unrelated,
      'info',
      (names) => `no relation with ${target} can be shown for ${names}; strongest: ${named}`,
      `every column is related to ${target}; strongest: ${named}`,
    ),
  ];
}

function columnsCheck(
  name: string,
  columns: readonly string[],
  failing: readonly string[],
  severity: QualityCheck['severity'],
  failed: (names: string) => string,
  passed: string,
): QualityCheck {
  if (columns.length === 0) return unmeasured(name, 'no column is left to look at');
  return {
    name,
    score: 1 - failing.length / columns.length,
    weight: 1,
    severity: failing.length > 0 ? severity : 'info',
    message: failing.length > 0 ? failed(failing.join(', ')) : passed,
    failing: failing.length,
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
