import { ReleasePolicy } from '#contract';
import { messageOf } from '#core';
import { parseDuration } from './conditions.ts';
import type { Finding, PathStep, Problem } from './problems.ts';
import { problemIn } from './schema-file.ts';
import { jsonSchema, shapeFindings } from './shape.ts';
import { parseYaml } from './yaml-document.ts';

/** The name of what holds where no policy was published. */
export const defaultPolicyName = 'default';

export interface PolicyFile {
  /** Undefined when there are problems. */
  readonly policy?: ReleasePolicy;
  readonly problems: readonly Problem[];
}

/**
 * Reads and checks a release policy.
 * @param file its name, for messages
 * @param text YAML 1.2, or JSON
 */
export function readReleasePolicy(file: string, text: string): PolicyFile {
  const parsed = parseYaml(text);
  if (!parsed.ok) return { problems: parsed.findings.map((finding) => problemIn(file, finding, finding.position)) };
  const { document } = parsed;
  const located = (finding: Finding): Problem => problemIn(file, finding, document.locate(finding.path, finding.atKey));
  const shape = shapeFindings(jsonSchema(ReleasePolicy), document.value);
  if (shape.length > 0) return { problems: shape.map(located) };
  // The shape holds, so the value is what its schema says.
  const policy = document.value as ReleasePolicy;
  const problems = policyFindings(policy).map(located);
  return problems.length > 0 ? { problems } : { policy, problems };
}

/** What does not hold in a policy whose shape is right. */
function policyFindings(policy: ReleasePolicy): Finding[] {
  const findings: Finding[] = [];
  if (policy.policy === defaultPolicyName) {
    findings.push({
      path: ['policy'],
      message: `"${defaultPolicyName}" is what holds where no policy does`,
      suggestion: 'give it another name',
    });
  }
  for (const duty of ['certify', 'approve'] as const) findings.push(...durationFindings(policy[duty]?.validFor, [duty, 'validFor']));
  return [...findings, ...stageFindings(policy.stages ?? [])];
}

function durationFindings(text: string | undefined, path: readonly PathStep[]): Finding[] {
  if (text === undefined) return [];
  try {
    const ms = parseDuration(text);
    return ms > 0 ? [] : [{ path, message: `"${text}" is no time at all`, suggestion: 'say how long, such as 90d, or leave it out' }];
  } catch (error) {
    return [{ path, message: messageOf(error) }];
  }
}

function stageFindings(stages: NonNullable<ReleasePolicy['stages']>): Finding[] {
  const findings: Finding[] = [];
  const names = new Set<string>();
  const ids = new Set<string>();
  for (const [index, { name, evidence }] of stages.entries()) {
    if (names.has(name)) findings.push({ path: ['stages', index, 'name'], message: `stage "${name}" is there twice` });
    names.add(name);
    for (const [at, item] of evidence.entries()) {
      const path = ['stages', index, 'evidence', at];
      if (ids.has(item.id))
        findings.push({ path: [...path, 'id'], message: `item "${item.id}" is there twice`, suggestion: 'name each once' });
      ids.add(item.id);
      if (!('check' in item)) continue;
      if (item.check === 'requirement' && item.requirement === undefined) {
        findings.push({ path, message: 'says not which requirement', suggestion: 'add "requirement: robustness", or another one' });
      }
      if (item.check !== 'requirement' && item.requirement !== undefined) {
        findings.push({
          path: [...path, 'requirement'],
          message: `check: ${item.check} has no requirement`,
          suggestion: 'use check: requirement',
        });
      }
      if (item.check !== 'application_tests' && item.profile !== undefined) {
        findings.push({
          path: [...path, 'profile'],
          message: `check: ${item.check} has no profile`,
          suggestion: 'use check: application_tests',
        });
      }
    }
  }
  return findings;
}
