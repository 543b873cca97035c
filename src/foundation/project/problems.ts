import { GyreError } from '#core';

/** A step into a document: a member's name or an item's index. */
export type PathStep = string | number;

/** A place in a file, counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something wrong in a project's files: where, what, and what would be right. */
export interface Problem {
  /** Relative to the project's folder. */
  readonly file: string;
  /** Absent where a file has no positions (`gyre.ts`, a missing file). */
  readonly line?: number;
  readonly column?: number;
  /** The member it is about, such as `data.customers.split`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** What would be right, when there is a good guess. */
  readonly suggestion?: string;
  readonly severity: 'error' | 'warning';
}

/** A problem before its file and position are known. */
export interface Finding {
  readonly path: readonly PathStep[];
  /** Points at the member's name, not at its value. */
  readonly atKey?: boolean;
  readonly message: string;
  readonly suggestion?: string;
  readonly severity?: 'error' | 'warning';
}

/** A path as people write it: `steps.fit.search.space[0]`; a name with other characters is quoted. */
export function pathText(path: readonly PathStep[]): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      if (!/^[\p{L}\p{N}_-]+$/u.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

/** One line: `gyre.yaml:12:7 data.customers.spilt: unknown key "spilt"; did you mean "split"?` */
export function problemText(problem: Problem): string {
  const place = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}:${problem.column ?? 1}`;
  const path = problem.path === '' ? '' : ` ${problem.path}`;
  const severity = problem.severity === 'warning' ? ' warning:' : '';
  return `${place}${path}:${severity} ${problem.message}${problem.suggestion === undefined ? '' : `; ${problem.suggestion}`}`;
}

/** The error that a project with problems is refused with; its message lists them all, `details.problems` holds them as data. */
export function projectError(problems: readonly Problem[]): GyreError {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const lines = errors.map(problemText);
  const message = lines.length === 1 ? lines[0] : `${lines.length} problems\n${lines.map((line) => `  ${line}`).join('\n')}`;
  return new GyreError('INVALID_ARGUMENT', message, { problems });
}
