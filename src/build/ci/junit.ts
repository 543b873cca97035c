import type { CiCheck, CiRun } from '#contract';
import { ciParts } from '#contract';

/**
 * A CI run as JUnit XML, in the shape that Jenkins, GitLab and Azure Pipelines read: a suite for each part, a case for each check. What could not be judged
 * is skipped with its reason; a run that could not be judged at all is an error of its own suite.
 */
export function ciJunit({ report, problem, createdAt, state }: CiRun): string {
  const checks = report?.checks ?? [];
  const suites = ciParts.flatMap((part) => {
    const own = checks.filter((check) => check.part === part);
    return own.length === 0 ? [] : [suite(part, own, createdAt)];
  });
  if (problem !== undefined) suites.push(problemSuite(problem, createdAt));
  const counted = (verdict: CiCheck['verdict']): number => checks.filter((check) => check.verdict === verdict).length;
  const errors = problem === undefined ? 0 : 1;
  const attributes = `name="gyre ci: ${state}" tests="${checks.length + errors}" failures="${counted('failed')}" errors="${errors}" skipped="${counted('not_judged')}" time="${secondsOf(checks)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${attributes}>\n${suites.join('')}</testsuites>\n`;
}

function suite(part: string, checks: readonly CiCheck[], at: string): string {
  const counted = (verdict: CiCheck['verdict']): number => checks.filter((check) => check.verdict === verdict).length;
  const attributes = `name="${part}" tests="${checks.length}" failures="${counted('failed')}" errors="0" skipped="${counted('not_judged')}" time="${secondsOf(checks)}" timestamp="${at.replace(/\.\d+Z$/, '')}"`;
  return `  <testsuite ${attributes}>\n${checks.map(testCase).join('')}  </testsuite>\n`;
}

function testCase({ part, name, verdict, message, ms = 0 }: CiCheck): string {
  const open = `    <testcase classname="gyre.${part}" name="${escaped(name)}" time="${(ms / 1000).toFixed(3)}"`;
  if (verdict === 'failed')
    return `${open}>\n      <failure message="${escaped(firstLine(message))}">${escaped(message)}</failure>\n    </testcase>\n`;
  if (verdict === 'not_judged') return `${open}>\n      <skipped message="${escaped(firstLine(message))}"/>\n    </testcase>\n`;
  return `${open}/>\n`;
}

function problemSuite(problem: string, at: string): string {
  const open = `  <testsuite name="ci" tests="1" failures="0" errors="1" skipped="0" time="0.000" timestamp="${at.replace(/\.\d+Z$/, '')}">\n`;
  const one = `    <testcase classname="gyre.ci" name="the commit can be judged" time="0.000">\n      <error message="${escaped(firstLine(problem))}">${escaped(problem)}</error>\n    </testcase>\n`;
  return `${open}${one}  </testsuite>\n`;
}

const secondsOf = (checks: readonly CiCheck[]): string => (checks.reduce((sum, { ms = 0 }) => sum + ms, 0) / 1000).toFixed(3);
const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

/** Text as XML 1.0 takes it: without the signs that it cannot say at all. */
function escaped(text: string): string {
  return (
    text
      .toWellFormed()
      // oxlint-disable-next-line no-control-regex -- these are the very ones
      .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '\uFFFD')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll(/[\n\t\r]/g, (sign) => `&#${sign.charCodeAt(0)};`)
  );
}
