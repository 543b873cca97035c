import type { LoadedProject } from '#project';
import { bullets, heading, type Gaps } from './markdown.ts';

/** What is to be decided better, for whom, and what is not: as the project's file says. */
export function problemStatement({ resolved, project }: LoadedProject, gaps: Gaps): string {
  const { charter } = resolved;
  return [
    heading(1, `Problem statement: ${resolved.project}`),
    resolved.description === '' ? gaps.note('what the project is, in a line', 'description: …') : resolved.description,
    heading(2, 'Problem'),
    charter.problem,
    heading(2, 'Who'),
    `Owner: ${charter.owner}`,
    charter.stakeholders === undefined ? gaps.note('who is concerned', 'charter: { stakeholders: [ … ] }') : bullets(charter.stakeholders),
    heading(2, 'In scope'),
    charter.scope?.in === undefined ? gaps.note('what is in scope', 'charter: { scope: { in: [ … ] } }') : bullets(charter.scope.in),
    heading(2, 'Out of scope'),
    charter.scope?.out === undefined ? gaps.note('what is out of scope', 'charter: { scope: { out: [ … ] } }') : bullets(charter.scope.out),
    heading(2, 'Success'),
    bullets(Object.entries(project.charter.success).map(([metric, threshold]) => `${metric} ${threshold.trim()}`)),
    heading(2, 'Constraints'),
    charter.constraints === undefined
      ? gaps.note('what the solution must keep to (time, money, law, machines)', 'charter: { constraints: [ … ] }')
      : bullets(charter.constraints),
  ].join('\n\n');
}
