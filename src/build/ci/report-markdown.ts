import type { CiCheck, CiReport, CiRun } from '#contract';
import { ciParts } from '#contract';
import { figure } from './checks.ts';
import { differencePlot, rocPlot } from './plots.ts';

const titles: Readonly<Record<CiCheck['part'], string>> = { data: 'Data', steps: 'Steps', gates: 'Gates', comparison: 'Comparison' };
const longestMessage = 300;

/**
 * A CI run as GitHub Flavored Markdown, for a comment on a pull request: the verdict and what failed first, then the table, the plots, and what differs. It
 * names nothing outside of itself: no image has to be fetched.
 */
export function ciMarkdown(run: CiRun): string {
  const { state, report, problem } = run;
  const verdict = state === 'running' ? 'still running' : state;
  const blocks = [`## Gyre CI: ${verdict}`, about(run)];
  if (problem !== undefined) blocks.push(`**It could not be judged:** ${inline(problem)}`);
  if (report !== undefined) blocks.push(...reportBlocks(report));
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function about({ project, commit, dirty, branch, report }: CiRun): string {
  const what =
    commit === undefined ? 'the project’s folder' : `\`${commit.slice(0, 12)}\`${dirty ? ' with changes that no commit has' : ''}`;
  const version = report?.modelVersion;
  const lines = [
    `**${inline(project)}**, ${what}${branch === undefined ? '' : ` on \`${inline(branch)}\``}`,
    ...(version === undefined ? [] : [`Registered as **${inline(version.model)}/${version.version}**`]),
    ...(report === undefined ? [] : [`Compared with: ${inline(report.base.says)}`]),
  ];
  return lines.join('  \n');
}

function reportBlocks(report: CiReport): readonly string[] {
  const { checks, base } = report;
  const failed = checks.filter(({ verdict }) => verdict === 'failed');
  return [
    verdictTable(checks),
    failed.length === 0 ? '' : ['### What failed', ...failed.map(({ part, name, message }) => `- **${titles[part]}: ${inline(name)}**: ${inline(message)}`)].join('\n'), // prettier-ignore
    base.sameReport === true
      ? 'Nothing that the model depends on differs from the base: it is the same model with the same test report.'
      : '',
    metricTable(report),
    differencePlot(report.metrics),
    sliceTable(report),
    dataBlock(report),
    parameterTable(report),
    rocPlot(report),
    gateList(checks),
    stepTable(report),
  ];
}

function verdictTable(checks: readonly CiCheck[]): string {
  const rows = ciParts.flatMap((part) => {
    const own = checks.filter((check) => check.part === part);
    const counted = (verdict: CiCheck['verdict']): number => own.filter((check) => check.verdict === verdict).length;
    if (own.length === 0) return [];
    const isFailed = counted('failed') > 0;
    return [[titles[part], isFailed ? '**failed**' : 'passed', counted('passed'), counted('failed'), counted('not_judged')]];
  });
  return table(['', 'verdict', 'passed', 'failed', 'not judged'], rows, '--rrr');
}

function metricTable({ metrics, rows, base }: CiReport): string {
  if (metrics.length === 0) return '';
  const lines = metrics.map((metric) => [
    `${metric.name}${metric.higherIsBetter ? '' : ' (lower is better)'}`,
    figure(metric.base),
    figure(metric.here),
    metric.difference === undefined ? '' : `${metric.difference > 0 ? '+' : ''}${figure(metric.difference)}`,
    metric.verdict === undefined ? '' : metric.verdict === 'no_evidence' ? 'chance explains it' : `**${metric.verdict}**, beyond chance`,
    metric.mayWorsen === undefined ? '' : String(metric.mayWorsen),
  ]);
  const same = base.sameRows === false ? '; the base was tested on others, and both models are asked on these where a verdict stands' : '';
  return `### Metrics\n\n${table(['metric', 'base', 'this commit', 'difference', '', 'may worsen by'], lines, '-rrr-r')}\n\nOn ${rows ?? 0} rows that no training saw${same}.`;
}

function sliceTable({ slices }: CiReport): string {
  if (slices.length === 0) return '';
  const lines = slices.map(({ column, value, rows, metric, base, here }) => [
    `${column} = ${value}`, rows, metric, figure(base), figure(here), figure(here - base)]); // prettier-ignore
  return `### Groups that got worse\n\n${table(['group', 'rows', 'metric', 'base', 'this commit', 'difference'], lines, '-r-rrr')}`;
}

function dataBlock({ data }: CiReport): string {
  const changed = data.filter(({ baseVersion, version, changes }) => changes.length > 0 || (baseVersion !== undefined && baseVersion !== version)); // prettier-ignore
  if (changed.length === 0) return data.every(({ baseVersion }) => baseVersion === undefined) ? '' : 'The data are those of the base.'; // prettier-ignore
  const blocks = changed.map(({ dataset, version, rows, baseVersion, baseRows, changes }) =>
    [
      `**${inline(dataset)}**: ${baseVersion === undefined ? '' : `\`${baseVersion.slice(0, 12)}\` (${baseRows ?? 0} rows) → `}\`${version.slice(0, 12)}\` (${rows} rows)`,
      ...changes.map((change) => `- ${inline(change)}`),
    ].join('\n'),
  );
  return `### Data\n\n${blocks.join('\n\n')}`;
}

function parameterTable({ parameters }: CiReport): string {
  if (parameters.length === 0) return '';
  return `### Parameters\n\n${table(['parameter', 'base', 'this commit'], parameters.map(({ name, base, here }) => [name, base, here]), '---')}`; // prettier-ignore
}

function gateList(checks: readonly CiCheck[]): string {
  const shown = checks.filter(({ part }) => part === 'gates' || part === 'comparison');
  if (shown.length === 0) return '';
  const lines = shown.map(({ name, verdict, message }) => [name, verdict === 'failed' ? '**failed**' : verdict.replace('_', ' '), message]);
  return details('Every gate', table(['gate', 'verdict', 'found'], lines, '---'));
}

function stepTable({ steps }: CiReport): string {
  if (steps.length === 0) return '';
  const lines = steps.map(({ step, state, ms, baseMs }) => [step, state, seconds(ms), seconds(baseMs)]);
  return details('Steps and times', table(['step', 'state', 'this commit', 'base'], lines, '--rr'));
}

const seconds = (ms: number | undefined): string => (ms === undefined ? '' : `${(ms / 1000).toFixed(1)} s`);

function details(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
}

/** @param sides for each column `r` where its figures stand to the right */
function table(head: readonly string[], rows: readonly (readonly (string | number)[])[], sides: string): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.map((cell) => cellText(String(cell))).join(' | ')} |`;
  return [
    line(head),
    `|${sides
      .split('')
      .map((side) => (side === 'r' ? ' ---: ' : ' --- '))
      .join('|')}|`,
    ...rows.map(line),
  ].join('\n');
}

/** Bold is ours; what comes from records is said as it is. */
function cellText(text: string): string {
  const bold = /^\*\*(\w+)\*\*(.*)$/s.exec(text);
  return bold === null ? inline(text) : `**${bold[1]}**${inline(bold[2])}`;
}

/** Words from records, which may hold anything: on one line, without markup, mentions or links of their own. */
function inline(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ').trim();
  const short = flat.length > longestMessage ? `${flat.slice(0, longestMessage)} …` : flat;
  return (
    short
      // Inside of a word an underscore is no markup.
      .replaceAll(/[\\`*[\]|~#!]|(?<!\w)_|_(?!\w)/g, String.raw`\$&`)
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('@', '@\u200B')
      .replaceAll('://', ':\u200B//')
  );
}
