import type { WorkspaceProgress } from '#contract';
import type { Cli } from './cli.ts';

const barWidth = 24;
/** Piped, a line for so many files more. */
const filesPerLine = 10_000;
const verbs: Readonly<Record<WorkspaceProgress['phase'], string>> = {
  hashing: 'looked at',
  placing: 'placed',
  fetching: 'fetched',
  pushing: 'pushed',
};

/** Shows how far work on files is: a bar that is drawn again on a terminal, a line now and then elsewhere; on standard error. */
export interface ProgressLine extends Disposable {
  readonly show: (progress: WorkspaceProgress) => void;
}

export function progressLine(cli: Cli): ProgressLine {
  const { stderr } = cli.host;
  const isTerminal = stderr.isTTY === true;
  let [drawn, last, phase] = ['', 0, ''];
  const clear = (): void => {
    if (drawn !== '') stderr.write('\r\u001b[K');
    drawn = '';
  };
  return {
    show: (progress) => {
      if (progress.phase !== phase) [phase, last] = [progress.phase, 0];
      const text = progressText(progress);
      if (isTerminal) {
        if (text === drawn) return;
        stderr.write(`\r\u001b[K${text.slice(0, (stderr.columns ?? 80) - 1)}`);
        drawn = text;
      } else if (progress.files - last >= filesPerLine) {
        last = progress.files;
        cli.output.note(text);
      }
    },
    [Symbol.dispose]: clear,
  };
}

function progressText({ phase, files, bytes, of }: WorkspaceProgress): string {
  const figures = `${verbs[phase]} ${countOf(files)}${of === undefined ? '' : ` of ${countOf(of)}`} files, ${sizeText(bytes)}`;
  if (of === undefined || of === 0) return figures;
  const full = Math.round((Math.min(files, of) / of) * barWidth);
  return `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ${figures}`;
}

/** Without `toLocaleString`, which reads its tables first: they take as long as a look at 5,000 files. */
export const countOf = (count: number): string => String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');

/** Bytes for people, in binary units. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
