import type { LoadedProject } from '#project';
import { bullets, heading, table, type Gaps } from './markdown.ts';

/**
 * The charter with the machine learning canvas (after Dorard's Machine Learning Canvas): each field is filled from the section of the
 * project's file that the platform itself works by.
 */
export function projectCharter(loaded: LoadedProject, gaps: Gaps): string {
  const { charter } = loaded.resolved;
  const kpis = charter.kpis?.map(({ name, target, measuredBy }) => [name, target, measuredBy ?? '']) ?? [];
  return [
    heading(1, `Project charter: ${loaded.resolved.project}`),
    `Owner: ${charter.owner}. Risk: ${loaded.project.charter.risk ?? gaps.note('how risky it is', 'charter: { risk: minimal | limited | high }')}`,
    heading(2, 'Key figures'),
    kpis.length === 0
      ? gaps.note('what the business measures', 'charter: { kpis: [ { name: …, target: …, measuredBy: … } ] }')
      : table(['figure', 'target', 'measured by'], kpis),
    heading(2, 'Timeline'),
    charter.timeline === undefined
      ? gaps.note('by when what is done', 'charter: { timeline: { first model: YYYY-MM-DD } }')
      : bullets(Object.entries(charter.timeline).map(([what, when]) => `${what}: ${when}`)),
    heading(2, 'Machine learning canvas'),
    canvas(loaded, gaps),
    heading(2, 'Assumptions'),
    statements(charter.assumptions) ??
      gaps.note('what is taken for granted', 'charter: { assumptions: [ { text: …, reason: …, author: …, date: … } ] }'),
    heading(2, 'Decisions'),
    statements(charter.decisions) ??
      gaps.note('what was decided, and why', 'charter: { decisions: [ { text: …, reason: …, author: …, date: … } ] }'),
    heading(2, 'Personal data'),
    charter.personalData === undefined
      ? gaps.note(
          'whether there are personal data, and by what right they are used',
          'charter: { personalData: { columns: [], purpose: …, legalBasis: … } }',
        )
      : bullets([
          `columns: ${charter.personalData.columns.join(', ') || 'none'}`,
          `purpose: ${charter.personalData.purpose}`,
          `legal basis: ${charter.personalData.legalBasis}`,
          `kept: ${charter.personalData.retention ?? gaps.note('how long they are kept', 'charter: { personalData: { retention: … } }')}`,
        ]),
  ].join('\n\n');
}

function statements(list: LoadedProject['resolved']['charter']['assumptions']): string | undefined {
  return list && list.length > 0
    ? bullets(list.map(({ text, reason, author, date }) => `${text} (${reason} ${author}, ${date})`))
    : undefined;
}

function canvas({ resolved, project }: LoadedProject, gaps: Gaps): string {
  const transforms = resolved.steps.flatMap((step) => (step.kind === 'transform' ? [step] : []));
  const trainers = resolved.steps.flatMap((step) => (step.kind === 'train' ? [step] : []));
  const commands = resolved.steps.flatMap((step) => (step.kind === 'command' ? [`${step.name} (${step.spec.run})`] : []));
  const { monitor, environments, serve, test } = resolved;
  const learned = transforms.map(
    ({ spec, dataset }) => `${spec.target} of "${dataset}"${spec.positive === undefined ? '' : `, chance of ${spec.positive}`}`,
  );
  return table(
    ['field', 'what holds'],
    [
      [
        'value',
        resolved.charter.kpis?.map(({ name }) => name).join('; ') ??
          gaps.note('the figures that it is to move', 'charter: { kpis: [ … ] }'),
      ],
      ['prediction task', learned.join('; ') || gaps.note('what is predicted', 'steps: { prepare: { of: …, target: … } }')],
      ['decisions', resolved.charter.problem],
      ['data sources', resolved.datasets.map(({ name, source, key }) => `${name}: ${source}, by ${key}`).join('; ')],
      [
        'collecting data',
        resolved.retrain.minRows === 0 ? '' : `labelled rows from production, at least ${resolved.retrain.minRows} for a retraining`,
      ],
      [
        'features',
        transforms.map(({ name, spec }) => `${name}: ${Object.keys(spec.transform).join(', ') || 'the columns as they are'}`).join('; ') ||
          commands.join('; '),
      ],
      ['building models', trainers.map(({ name, spec }) => `${name}: ${spec.trainer}`).join('; ') || commands.join('; ')],
      ['offline evaluation', test.gates.map(({ text }) => text).join('; ')],
      ['making predictions', `endpoint "${serve.endpoint}", through ${environments.map(({ name }) => name).join(' → ')}`],
      [
        'live monitoring',
        project.monitor === undefined
          ? gaps.note('what is watched in production (defaults hold)', 'monitor: { window: 1d, performance: { … }, onAlert: [ notify ] }')
          : `windows of ${monitor.windowMs / 3_600_000} h; then ${monitor.onAlert.join(', ')}`,
      ],
    ],
  );
}
