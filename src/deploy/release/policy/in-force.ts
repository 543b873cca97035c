import { digestOf } from '#core';
import type { PolicyReference, PublishedPolicy, ReleasePolicy } from '#contract';
import { defaultPolicyName, parseDuration } from '#project';
import type { Db } from '#store';
import type { Environment } from '../gate-facts.ts';
import type { ReleaseSettings } from '../port.ts';
import { selectPolicies } from './policies-store.ts';

const defaultPolicy: ReleasePolicy = {
  policy: defaultPolicyName,
  version: 1,
  description:
    'What holds where no other policy does: application tests and a certification in each environment that certifies, and as many approvals as gyre.yaml asks for.',
  findings: { block: 'high' },
};

/** What holds where no other policy does. */
export const builtIn: PublishedPolicy = {
  name: defaultPolicyName,
  version: defaultPolicy.version,
  digest: digestOf(defaultPolicy),
  policy: defaultPolicy,
  builtIn: true,
};

/** The policy by which an environment is released to, or why that cannot be told. */
export interface InForce {
  readonly policy: PublishedPolicy;
  /** Nothing is released while this is not put right. */
  readonly problem?: string;
}

/** How a policy is called: `high-risk/2`. */
export function policyTitle({ name, version }: Pick<PolicyReference, 'name' | 'version'>): string {
  return `${name}/${version}`;
}

export function referenceTo({ name, version, digest }: PublishedPolicy): PolicyReference {
  return { name, version, digest };
}

/** The policies that hold now: the newest version of each. */
export async function newestPolicies(db: Db): Promise<readonly PublishedPolicy[]> {
  const seen = new Set<string>();
  return (await selectPolicies(db)).filter(({ name }) => {
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

/**
 * Which policy an environment is released to by: the one that applies to it at the project's risk level by itself, else the one that
 * gyre.yaml names, else the built-in one.
 */
export function inForce(newest: readonly PublishedPolicy[], settings: ReleaseSettings, environment: string): InForce {
  const { risk = 'limited', policy: named } = settings;
  const bySelf = newest.find(({ policy }) => covers(policy, environment) && policy.appliesTo?.risk?.includes(risk) === true);
  if (bySelf !== undefined) {
    if (named === undefined || named === bySelf.name) return { policy: bySelf };
    const problem = `gyre.yaml names the policy "${named}" (release.policy), but "${bySelf.name}" applies to "${environment}" at risk ${risk}: name that one, or none`;
    return { policy: bySelf, problem };
  }
  if (named === undefined || named === defaultPolicyName) return { policy: builtIn };
  const found = newest.find(({ name }) => name === named);
  if (found === undefined) {
    return {
      policy: builtIn,
      problem: `gyre.yaml names the policy "${named}" (release.policy), which is not published: gyre policy publish`,
    };
  }
  return { policy: covers(found.policy, environment) ? found : builtIn };
}

/** Two policies that would both hold by themselves, in some environment at some risk level. */
export function overlap(left: ReleasePolicy, right: ReleasePolicy): { readonly environment?: string; readonly risk: string } | undefined {
  const risk = left.appliesTo?.risk?.find((level) => right.appliesTo?.risk?.includes(level) === true);
  if (risk === undefined) return undefined;
  const [mine, theirs] = [left.appliesTo?.environments, right.appliesTo?.environments];
  if (mine === undefined) return theirs === undefined ? { risk } : { risk, environment: theirs[0] };
  const environment = theirs === undefined ? mine[0] : mine.find((name) => theirs.includes(name));
  return environment === undefined ? undefined : { risk, environment };
}

/** An environment with the approvals that its policy asks for beside those of gyre.yaml. */
export function underPolicy(target: Environment, { policy: { policy } }: InForce): Environment {
  if (policy.approve === undefined) return target;
  return { ...target, approve: policy.approve.role, approvals: Math.max(target.approvals, policy.approve.people ?? 1) };
}

/** How long certifications and approvals count, in milliseconds; undefined: for ever. */
export function validityOf({ policy }: PublishedPolicy, duty: 'certify' | 'approve'): number | undefined {
  const text = policy[duty]?.validFor;
  return text === undefined ? undefined : parseDuration(text);
}

function covers({ appliesTo }: ReleasePolicy, environment: string): boolean {
  return appliesTo?.environments?.includes(environment) ?? true;
}
