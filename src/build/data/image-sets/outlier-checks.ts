import { warning } from '../quality/limits.ts';
import { quantilesOfSorted, sorted } from '#stats';
import type { Frame } from '#tables';
import { shareCheck, valueAt } from './checks.ts';
import type { ImageCheck } from './checks.ts';

/** Tukey's outer fence: what lies beyond it is far out, whatever the distribution looks like (Tukey 1977). */
const fence = 3;

/** Below this contrast (standard deviation of luma) there is nothing to see, whatever the other images are like. */
const emptyContrast = 0.02;
/** Mean luma beyond which a picture is nearly black or nearly white. */
const darkest = 0.04;
const brightest = 0.98;

interface Measure {
  readonly name: string;
  readonly column: string;
  readonly of: (row: number) => number;
  /** Where values spread over magnitudes, their logarithms are compared. */
  readonly logarithmic: boolean;
  readonly sides: 'both' | 'low';
  readonly words: string;
  readonly note: (value: number) => string;
}

/**
 * Accuracy: images unlike the others in size, proportions, brightness and sharpness (beyond three interquartile ranges of their own
 * dataset), and images with nothing to see, by fixed limits.
 */
export function outlierChecks(frame: Frame): ImageCheck[] {
  const number = (column: string): ((row: number) => number) => {
    const values = frame.numbers(column);
    return (row) => values[row];
  };
  const [width, height] = [number('width'), number('height')];
  const measures: readonly Measure[] = [
    {
      name: 'usual image size',
      column: 'width',
      of: (row) => width(row) * height(row),
      logarithmic: true,
      sides: 'both',
      words: 'have far more or fewer pixels than the others',
      note: (value) => `${Math.round(value)} pixels`,
    },
    {
      name: 'usual proportions',
      column: 'width',
      of: (row) => width(row) / height(row),
      logarithmic: true,
      sides: 'both',
      words: 'are far wider or higher than the others',
      note: (value) => `width is ${value.toFixed(2)} of height`,
    },
    {
      name: 'usual brightness',
      column: 'brightness',
      of: number('brightness'),
      logarithmic: false,
      sides: 'both',
      words: 'are far darker or brighter than the others',
      note: (value) => `brightness ${value.toFixed(3)}`,
    },
    {
      name: 'usual sharpness',
      column: 'sharpness',
      of: number('sharpness'),
      logarithmic: true,
      sides: 'low',
      words: 'are far more blurred than the others',
      note: (value) => `sharpness ${value.toExponential(1)}`,
    },
  ];
  const seen = frame.numbers('brightness');
  const rows = [...seen.keys()].filter((row) => !Number.isNaN(seen[row]));
  return [...measures.map((measure) => farOut(frame, rows, measure)), emptyCheck(frame, rows)];
}

function farOut(frame: Frame, rows: readonly number[], { name, column, of, logarithmic, sides, words, note }: Measure): ImageCheck {
  // a picture of one colour has no sharpness at all: as a logarithm it stands below every other
  const scale = (value: number): number => (logarithmic ? Math.log(Math.max(value, 1e-9)) : value);
  const [low, high] = quantilesOfSorted(sorted(Float64Array.from(rows, (row) => scale(of(row)))), [0.25, 0.75]);
  // images that are nearly all of one size have no width to measure by: then a tenth of a magnitude counts as one
  const reach = fence * Math.max(high - low, logarithmic ? Math.log(1.25) : 0.05);
  const isOut = (row: number): boolean => {
    const value = scale(of(row));
    return value < low - reach || (sides === 'both' && value > high + reach);
  };
  const out = rows.filter(isOut);
  return shareCheck(frame, {
    name,
    limits: warning,
    weight: 0.5,
    column,
    applied: rows.length,
    rows: out,
    failed: (count) => `${count} image${count === 1 ? '' : 's'} ${words}`,
    passed: `no images ${words}`,
    note: (row) => `${String(valueAt(frame, 'path', row))}: ${note(of(row))}`,
  });
}

function emptyCheck(frame: Frame, rows: readonly number[]): ImageCheck {
  const [brightness, contrast] = [frame.numbers('brightness'), frame.numbers('contrast')];
  const isEmpty = (row: number): boolean => contrast[row] < emptyContrast || brightness[row] < darkest || brightness[row] > brightest;
  return shareCheck(frame, {
    name: 'something to see',
    limits: warning,
    column: 'contrast',
    applied: rows.length,
    rows: rows.filter(isEmpty),
    failed: (count) => `${count} image${count === 1 ? ' is' : 's are'} nearly black, nearly white or of one colour`,
    passed: 'no image is nearly black, nearly white or of one colour',
    note: (row) => `${String(valueAt(frame, 'path', row))}: brightness ${brightness[row].toFixed(3)}`,
  });
}
