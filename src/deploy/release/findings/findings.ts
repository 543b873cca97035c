import { GyreError, isoInstant } from '#core';
import { eventType, findingSeverities } from '#contract';
import type { Actor, Finding, FindingSeverity } from '#contract';
import type { Tx } from '#store';
import { type GateFacts, type Missing, title } from '../gate-facts.ts';
import type { Gatekeeper } from '../gatekeeper.ts';
import { builtIn } from '../policy/in-force.ts';
import type { ReleaseDeps } from '../port.ts';
import { insertFinding, selectFinding, selectFindings, updateFinding } from './findings-store.ts';

export interface FindingRequest {
  readonly modelVersion: string;
  readonly severity: FindingSeverity;
  readonly statement: string;
  /** Who sees to it. */
  readonly owner: Actor;
  /** ISO 8601. */
  readonly dueAt?: string;
  readonly by: Actor;
}

export interface FindingWord {
  readonly id: string;
  /** What was done about it, or why it is accepted. */
  readonly statement: string;
  readonly by: Actor;
}

/** What people find wrong with versions on their way to production. */
export interface Findings {
  /** @throws GyreError NOT_FOUND for the version; INVALID_ARGUMENT when it would be due in the past */
  add(request: FindingRequest): Promise<Finding>;
  /** The newest first; those that are open after their due date are marked. */
  list(filter?: { readonly modelVersion?: string; readonly state?: Finding['state'] }): Promise<readonly Finding[]>;
  /** Tells by an event, once for each, that findings are open after their due date. */
  tellOverdue(by: Actor): Promise<void>;
  /** What was wrong is put right. @throws GyreError NOT_FOUND; FAILED_PRECONDITION when it is not open; PERMISSION_DENIED for who made the version */
  resolve(word: FindingWord): Promise<Finding>;
  /**
   * It is lived with.
   * @throws GyreError NOT_FOUND; FAILED_PRECONDITION when it is not open; PERMISSION_DENIED for who made the version
   */
  accept(word: FindingWord): Promise<Finding>;
}

export function openFindings({ store, events, clock, newId, versions }: ReleaseDeps, keeper: Gatekeeper): Findings {
  const marked = (finding: Finding): Finding => (isOverdue(finding, clock.now()) ? { ...finding, overdue: true } : finding);

  async function tell(tx: Tx, { id, by, at }: { id: string; by: Actor; at: number }): Promise<void> {
    await tx.lock(`release:finding:${id}`);
    const finding = await selectFinding(tx, id);
    if (finding?.dueAt === undefined || finding.toldOverdueAt !== undefined || !isOverdue(finding, at)) return;
    await updateFinding(tx, { ...finding, toldOverdueAt: isoInstant(at) });
    const { modelVersion, severity, owner, dueAt, statement } = finding;
    events.publish(tx, {
      type: eventType('finding.overdue'),
      subject: modelVersion,
      actor: by.identity,
      reason: statement,
      data: { id, modelVersion, severity, owner: owner.identity, dueAt },
    });
  }

  async function end(tx: Tx, { word, state, at }: { word: FindingWord; state: 'resolved' | 'accepted'; at: string }): Promise<Finding> {
    await tx.lock(`release:finding:${word.id}`);
    const finding = openFinding(await selectFinding(tx, word.id), word.id);
    const ended: Finding = { ...finding, state, ending: { statement: word.statement, by: word.by, at } };
    await updateFinding(tx, ended);
    const { id, modelVersion, severity } = ended;
    events.publish(tx, {
      type: eventType('finding.ended'),
      subject: modelVersion,
      actor: word.by.identity,
      reason: word.statement,
      data: { id, modelVersion, severity, state },
    });
    return ended;
  }

  async function refuseAuthor({ id, by }: FindingWord, who: string): Promise<void> {
    const finding = openFinding(await store.read((db) => selectFinding(db, id)), id);
    const authors = await keeper.authorsOf(await versions.getById(finding.modelVersion));
    if (authors.includes(by.identity)) throw new GyreError('PERMISSION_DENIED', `${by.name} made this version; ${who}`);
  }

  return {
    add: async ({ modelVersion, severity, statement, owner, dueAt, by }) => {
      const version = await versions.getById(modelVersion);
      const now = clock.now();
      // What is no instant is not after now either.
      if (dueAt !== undefined && !(Date.parse(dueAt) > now)) {
        throw new GyreError(
          'INVALID_ARGUMENT',
          `it would be due on ${dueAt}, which is past or no day at all: a finding is due in the future`,
        );
      }
      const finding: Finding = {
        id: newId(),
        modelVersion: version.id,
        severity,
        statement,
        owner,
        ...(dueAt === undefined ? {} : { dueAt: isoInstant(Date.parse(dueAt)) }),
        state: 'open',
        foundBy: by,
        foundAt: isoInstant(now),
      };
      await store.write(async function recordFinding(tx: Tx) {
        await insertFinding(tx, finding);
        events.publish(tx, {
          type: eventType('finding.added'),
          subject: version.id,
          actor: by.identity,
          reason: statement,
          data: { id: finding.id, modelVersion: version.id, severity, owner: owner.identity },
        });
      }, undefined);
      return finding;
    },
    list: async (filter = {}) => (await store.read((db) => selectFindings(db, filter))).map(marked),
    tellOverdue: async (by) => {
      const at = clock.now();
      const open = await store.read((db) => selectFindings(db, { state: 'open' }));
      for (const finding of open.filter((one) => one.toldOverdueAt === undefined && isOverdue(one, at)))
        await store.write(tell, { id: finding.id, by, at });
    },
    resolve: async (word) => {
      await refuseAuthor(word, 'another QA expert says that what was wrong is put right');
      return store.write(end, { word, state: 'resolved', at: isoInstant(clock.now()) });
    },
    accept: async (word) => {
      await refuseAuthor(word, 'another approver accepts what is wrong with it');
      return store.write(end, { word, state: 'accepted', at: isoInstant(clock.now()) });
    },
  };
}

/** @param at milliseconds since 1970 */
export function isOverdue({ state, dueAt }: Finding, at: number): boolean {
  return state === 'open' && dueAt !== undefined && Date.parse(dueAt) < at;
}

/** Open findings that the policy does not let through, the worst first. */
export function findingsGate({ version, findings, inForce }: GateFacts): readonly Missing[] {
  const rank = ({ severity }: Pick<Finding, 'severity'>): number => findingSeverities.indexOf(severity);
  // A policy adds to the built-in one, and takes nothing away.
  const lines = [builtIn, inForce.policy].flatMap(({ policy }) => policy.findings?.block ?? []).map((severity) => rank({ severity }));
  return findings
    .filter((finding) => rank(finding) >= Math.min(...lines))
    .toSorted((left, right) => rank(right) - rank(left))
    .map(({ id, severity, statement, owner }) => ({
      gate: 'finding',
      reason: `${title(version)} has an open finding (${severity}, ${id}), which ${owner.name} sees to: ${statement}`,
    }));
}

function openFinding(finding: Finding | undefined, id: string): Finding {
  if (finding === undefined) throw new GyreError('NOT_FOUND', `no finding "${id}"`);
  if (finding.state === 'open') return finding;
  throw new GyreError('FAILED_PRECONDITION', `finding "${id}" is ${finding.state} since ${finding.ending?.at ?? finding.foundAt}`);
}
