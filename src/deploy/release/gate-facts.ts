import { digestOf } from '#core';
import type { Actor, ApplicationTestReport, Attestation, DecisionKind, Finding, MachineRequirements, ModelVersion } from '#contract';
import type { Decisions } from './decisions/read-decisions.ts';
import type { InForce } from './policy/in-force.ts';

/** An environment as the project's file describes it, in its place in the order. */
export interface Environment {
  readonly name: string;
  readonly position: number;
  /** The role that certifies application tests here. */
  readonly certify?: 'qa';
  /** The role that approves a version before it comes here. */
  readonly approve?: 'approver';
  /** How many different people must approve. */
  readonly approvals: number;
  /** How many versions that were live before stay loaded. Default 0. */
  readonly warm?: number;
  /** Whether models that execute code on load may come here. */
  readonly executesCode?: boolean;
  /** Whether agents on other machines serve it. Default: a data plane of the platform does. */
  readonly agents?: boolean;
  /** What the machine must have that its data plane runs on. */
  readonly requires?: MachineRequirements;
}

/** All that is known about a version on its way to an environment. Decisions, tests and attestations are the newest first. */
export interface GateFacts extends Decisions {
  readonly version: ModelVersion;
  /** Who started the training run and who registered the version. */
  readonly authors: readonly string[];
  /** With the approvals that the policy asks for. */
  readonly target: Environment;
  readonly environments: readonly Environment[];
  readonly applicationTests: readonly ApplicationTestReport[];
  /** By which policy the target is released to. */
  readonly inForce: InForce;
  /** What people have said and shown that the policy asks for, with a valid signature. */
  readonly attestations: readonly Attestation[];
  /** Those that are open, the newest first. */
  readonly findings: readonly Finding[];
  /** What is wrong with the bytes of the package; looked at only where the policy asks for it. */
  readonly damage?: string;
}

type Gate =
  | 'revocation'
  | 'policy'
  | 'finding'
  | 'evidence'
  | 'executes_code'
  | 'test_report'
  | 'application_tests'
  | 'certification'
  | 'approval'
  | 'separation_of_duties';

export interface Missing {
  readonly gate: Gate;
  readonly reason: string;
  /** Somebody has said no: it does not come by waiting. */
  readonly refused?: true;
}

/** The environments before the target whose certification a version needs to come to it. */
export function certifyingEnvironments(target: Environment, environments: readonly Environment[]): readonly Environment[] {
  return environments.filter((environment) => environment.position < target.position && environment.certify !== undefined);
}

/** The newest application tests of this very package in an environment. */
export function newestTests({ version, applicationTests }: GateFacts, { name }: Environment): ApplicationTestReport | undefined {
  return applicationTests.find((report) => report.environment === name && report.package === version.package);
}

export function isAuthor({ authors }: GateFacts, { identity }: Actor): boolean {
  return authors.includes(identity);
}

/** Whether somebody's yes counts no longer: it was given all the same, and duties stay apart. */
export function hasLapsed({ unaccepted }: GateFacts, wanted: DecisionKind, { identity }: Actor): boolean {
  return unaccepted.some(({ kind, by, isBroken }) => kind === wanted && by.identity === identity && !isBroken);
}

/** How a version is called in reasons. */
export function title(version: ModelVersion): string {
  return `${version.model} version ${version.version}`;
}

/** Whether a report is what its digest names, which certifications speak of. */
export function isIntact({ digest, ...body }: ApplicationTestReport): boolean {
  return digestOf(body) === digest;
}
