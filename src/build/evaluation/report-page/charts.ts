import { escapeHtml } from '../document/escape.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

const size = 260;
const margin = { left: 44, bottom: 40, top: 10, right: 10 };
const plot = { width: size - margin.left - margin.right, height: size - margin.top - margin.bottom };
const px = (x: number): string => (margin.left + x * plot.width).toFixed(1);
const py = (y: number): string => (margin.top + (1 - y) * plot.height).toFixed(1);

export interface UnitChart {
  /** What the drawing shows, for those who do not see it. */
  readonly label: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly guide?: readonly [Point, Point];
}

/** Axes from 0 to 1 with something drawn inside. */
function unitSquare({ label, xTitle, yTitle, guide }: UnitChart, inside: string): string {
  const ticks = [0, 0.5, 1].map((tick) => {
    const across = `<text x="${px(tick)}" y="${size - margin.bottom + 16}" text-anchor="middle">${tick}</text>`;
    const up = `<text x="${margin.left - 6}" y="${Number(py(tick)) + 4}" text-anchor="end">${tick}</text>`;
    return across + up;
  });
  const frame = `<rect class="axis" x="${px(0)}" y="${py(1)}" width="${plot.width}" height="${plot.height}"/>`;
  const titles =
    `<text x="${px(0.5)}" y="${size - 6}" text-anchor="middle">${escapeHtml(xTitle)}</text>` +
    `<text transform="translate(12 ${py(0.5)}) rotate(-90)" text-anchor="middle">${escapeHtml(yTitle)}</text>`;
  const line =
    guide === undefined
      ? ''
      : `<line class="guide" x1="${px(guide[0].x)}" y1="${py(guide[0].y)}" x2="${px(guide[1].x)}" y2="${py(guide[1].y)}"/>`;
  return `<svg viewBox="0 0 ${size} ${size}" width="${size}" height="${size}" role="img" aria-label="${escapeHtml(label)}">${frame}${ticks.join('')}${titles}${line}${inside}</svg>`;
}

/** A curve in the unit square. */
export function curveChart(points: readonly Point[], chart: UnitChart): string {
  const path = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${px(x)} ${py(y)}`).join('');
  return unitSquare(chart, `<path class="line" d="${path}"/>`);
}

/** Dots in the unit square, their areas in proportion to counts. */
export function dotChart(points: readonly (Point & { readonly count: number })[], chart: UnitChart): string {
  const most = Math.max(...points.map(({ count }) => count), 1);
  const dots = points.map(
    ({ x, y, count }) =>
      `<circle class="dot" cx="${px(x)}" cy="${py(y)}" r="${(3 + 7 * Math.sqrt(count / most)).toFixed(1)}" fill-opacity="0.75"><title>${count} rows</title></circle>`,
  );
  return unitSquare(chart, dots.join(''));
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** Half the length of the whisker around the bar's end. */
  readonly spread: number;
  readonly text: string;
}

/** Horizontal bars from 0, with whiskers; values below 0 go to the left. */
export function barChart(bars: readonly Bar[], label: string): string {
  const row = 24;
  const names = 190;
  const width = 620;
  const room = width - names - 110;
  const low = Math.min(0, ...bars.map(({ value, spread }) => value - spread));
  const high = Math.max(...bars.map(({ value, spread }) => value + spread), 1e-12);
  const at = (value: number): number => names + ((value - low) / (high - low)) * room;
  const height = bars.length * row + 8;
  const drawn = bars.map(({ name, value, spread, text }, i) => {
    const y = i * row + 6;
    const middle = y + 9;
    const short = name.length > 26 ? `${name.slice(0, 25)}…` : name;
    return (
      `<text x="${names - 8}" y="${y + 13}" text-anchor="end">${escapeHtml(short)}</text>` +
      `<rect class="bar" x="${Math.min(at(0), at(value)).toFixed(1)}" y="${y}" width="${Math.max(1, Math.abs(at(value) - at(0))).toFixed(1)}" height="16"/>` +
      `<line class="whisker" x1="${at(value - spread).toFixed(1)}" x2="${at(value + spread).toFixed(1)}" y1="${middle}" y2="${middle}"/>` +
      `<text class="value" x="${(at(Math.max(0, value + spread)) + 8).toFixed(1)}" y="${y + 13}">${escapeHtml(text)}</text>`
    );
  });
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(label)}">${drawn.join('')}</svg>`;
}

/** Counts of truth against prediction, the darker the larger its share of the true class. */
export function confusionChart(classes: readonly string[], counts: readonly (readonly number[])[], label: string): string {
  const cell = classes.length <= 3 ? 74 : 44;
  const left = 96;
  const top = 46;
  const short = (name: string): string => (name.length > 12 ? `${name.slice(0, 11)}…` : name);
  const width = left + classes.length * cell + 10;
  const height = top + classes.length * cell + 10;
  const heads = classes.map(
    (name, k) =>
      `<text x="${left + (k + 0.5) * cell}" y="${top - 8}" text-anchor="middle">${escapeHtml(short(name))}</text>` +
      `<text x="${left - 8}" y="${top + (k + 0.5) * cell + 4}" text-anchor="end">${escapeHtml(short(name))}</text>`,
  );
  const cells = counts.flatMap((row, truth) => {
    const total = row.reduce((sum, value) => sum + value, 0);
    return row.map((value, predicted) => {
      const x = left + predicted * cell;
      const y = top + truth * cell;
      const share = total === 0 ? 0 : value / total;
      return (
        `<rect class="cell" x="${x}" y="${y}" width="${cell - 2}" height="${cell - 2}" fill-opacity="${(0.08 + 0.4 * share).toFixed(2)}"/>` +
        `<text class="value" x="${x + cell / 2 - 1}" y="${y + cell / 2 + 4}" text-anchor="middle">${value}</text>`
      );
    });
  });
  const titles = `<text x="${left}" y="14">predicted →</text><text x="4" y="${top + 4}">truth ↓</text>`;
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(label)}">${titles}${heads.join('')}${cells.join('')}</svg>`;
}
