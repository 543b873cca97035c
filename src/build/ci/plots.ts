import type { CiMetric, CiReport } from '#contract';
import { figure } from './checks.ts';

/*
 * Plots that a comment shows without an image: services that host code refuse images that are no file of theirs, and draw Mermaid themselves.
 */

const plotWidth = 41;

/**
 * The differences of the metrics with their intervals around 0, in characters. Each is scaled by its own interval, since metrics have scales of their own:
 * what is read is on which side of 0 the interval lies.
 */
export function differencePlot(metrics: readonly CiMetric[]): string {
  const shown = metrics.flatMap(({ name, difference, interval }) =>
    difference === undefined || interval === undefined ? [] : [{ name, difference, ...interval }],
  );
  if (shown.length === 0) return '';
  const wide = Math.max(...shown.map(({ name }) => name.length));
  const lines = shown.map(({ name, difference, low, high }) => {
    const far = Math.max(Math.abs(low), Math.abs(high), Math.abs(difference)) || 1;
    const at = (value: number): number => Math.round(((value / far + 1) / 2) * (plotWidth - 1));
    const signs = Array.from({ length: plotWidth }, (_, place) => {
      if (place === at(difference)) return '●';
      if (place === (plotWidth - 1) / 2) return '│';
      if (place === at(low)) return '├';
      if (place === at(high)) return '┤';
      return place > at(low) && place < at(high) ? '─' : ' ';
    });
    return `${name.padEnd(wide)}  ${signs.join('')}  ${difference > 0 ? '+' : ''}${figure(difference)}`;
  });
  const middle = (plotWidth - 1) / 2;
  const axis = `${' '.repeat(wide + 2 + middle)}0`;
  return `Differences with their intervals, each by its own scale:\n\n\`\`\`text\n${[...lines, axis].join('\n')}\n\`\`\``;
}

/** The ROC curves of both as a Mermaid chart. */
export function rocPlot({ curve }: CiReport): string {
  if (curve === undefined) return '';
  const lines = [curve.base, curve.here].flatMap((values) => (values === undefined ? [] : [`  line [${values.join(', ')}]`]));
  const which = curve.base === undefined ? '' : ' (first line: base, second: this commit)';
  return [
    '<details><summary>ROC curve</summary>',
    '',
    '```mermaid',
    'xychart-beta',
    `  title "ROC curve${which}"`,
    '  x-axis "false positive rate" 0 --> 1',
    '  y-axis "true positive rate" 0 --> 1',
    ...lines,
    '```',
    '',
    '</details>',
  ].join('\n');
}
