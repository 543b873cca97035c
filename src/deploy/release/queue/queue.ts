import { isoInstant } from '#core';
import { eventType, isJudged } from '#contract';
import type { Actor, Deployment, JudgedVersion, Role, WantedSignOff } from '#contract';
import type { Tx } from '#store';
import { isOverdue } from '../findings/findings.ts';
import { selectFindings } from '../findings/findings-store.ts';
import { certifyingEnvironments, type GateFacts, newestTests, title } from '../gate-facts.ts';
import { missingGates, validApprovals } from '../gates.ts';
import type { Gatekeeper } from '../gatekeeper.ts';
import type { Expiries } from '../policy/expiry.ts';
import { lackingItems } from '../policy/policy-gates.ts';
import type { ReleaseDeps } from '../port.ts';
import { selectByState, selectTested } from '../release-store.ts';
import { deleteWanted, insertWanted, selectWanted } from './queue-store.ts';

/** What waits, and for whom not: those whose duties would clash. */
type Wanted = Omit<WantedSignOff, 'since'> & { readonly notBy: readonly string[] };

/** Somebody who asks what waits for them. */
export interface Asking {
  readonly identity: string;
  readonly roles: readonly Role[];
}

/** What waits for people on the way of versions to production. */
export interface SignOffQueue {
  /** What waits, the longest first. @param asking only what waits for this person; default: everything */
  queue(asking?: Asking): Promise<readonly WantedSignOff[]>;
  /** Tells by events what began to wait since it was called last. */
  tellWanted(by: Actor): Promise<void>;
}

/** Versions that were tested longer ago than so many others are waited for by nobody: each is judged anew whenever something changes. */
const mostTested = 200;

export function signOffQueue(deps: ReleaseDeps, keeper: Gatekeeper, expiring: Expiries): SignOffQueue {
  const { store, events, clock, versions } = deps;

  /** Versions that were tested, and are newer than what their target serves or serve there on what has expired. */
  async function underWay(): Promise<readonly GateFacts[]> {
    const { tests, live } = await store.read(async (db) => ({
      tests: await selectTested(db, mostTested),
      live: new Map(
        await Promise.all(deps.settings().environments.map(async ({ name }) => [name, await selectByState(db, name, 'live')] as const)),
      ),
    }));
    const found: GateFacts[] = [];
    for (const id of new Set(tests.map(({ modelVersion }) => modelVersion))) {
      const version = await versions.getById(id);
      if (!isJudged(version) || version.deletedAt !== undefined) continue;
      for (const target of deps.settings().environments) {
        const isTestedBefore = tests.some(({ modelVersion, environment }) => modelVersion === id && isBefore(environment, target.position));
        if (isTestedBefore && (await isNews(version, live.get(target.name)))) {
          found.push(await store.read(await keeper.factsReader(version, target, { bytes: false })));
        }
      }
    }
    return found.filter(({ revocation }) => revocation === undefined);
  }

  function isBefore(environment: string, position: number): boolean {
    return deps.settings().environments.some((one) => one.name === environment && one.position < position);
  }

  /** A newer version, or the one that serves on decisions that have expired. */
  async function isNews(version: JudgedVersion, live: Deployment | undefined): Promise<boolean> {
    if (live === undefined) return true;
    if (live.modelVersion === version.id) return (await store.read((db) => expiring.expiryIn(db, live))).expired === true;
    const served = await versions.getById(live.modelVersion);
    return served.model !== version.model || served.version < version.version;
  }

  async function wanted(): Promise<readonly Wanted[]> {
    const found = new Map<string, Wanted>();
    for (const facts of await underWay()) for (const one of wantedFor(facts)) found.set(one.key, one);
    for (const finding of await store.read((db) => selectFindings(db, { state: 'open' }))) {
      const { id, modelVersion, owner, severity, statement, dueAt } = finding;
      const key = `finding:${id}`;
      found.set(key, {
        key,
        what: 'finding',
        text: `A finding (${severity}) to see to: ${statement}`,
        modelVersion,
        finding: id,
        owner,
        ...(dueAt === undefined ? {} : { dueAt }),
        ...(isOverdue(finding, clock.now()) ? { overdue: true } : {}),
        notBy: [],
      });
    }
    return [...found.values()];
  }

  async function tell(tx: Tx, { now, by, at }: { now: readonly Wanted[]; by: Actor; at: number }): Promise<void> {
    await tx.lock('release:wanted');
    const before = await selectWanted(tx);
    for (const { key, what, text, modelVersion, environment, role, owner, notBy } of now) {
      if (before.has(key)) continue;
      await insertWanted(tx, { key, at });
      events.publish(tx, {
        type: eventType('sign_off.wanted'),
        subject: modelVersion,
        actor: by.identity,
        data: {
          what,
          text,
          modelVersion,
          ...(environment === undefined ? {} : { environment }),
          ...(role === undefined ? {} : { role }),
          ...(owner === undefined ? {} : { owner: owner.identity }),
          ...(notBy.length === 0 ? {} : { notBy: [...new Set(notBy)] }),
        },
      });
    }
    const keys = new Set(now.map(({ key }) => key));
    for (const key of before.keys()) if (!keys.has(key)) await deleteWanted(tx, key);
  }

  return {
    queue: async (asking) => {
      const since = await store.read(selectWanted);
      const mine = (await wanted()).filter((one) => asking === undefined || waitsFor(one, asking));
      return mine
        .map(({ notBy: _notBy, ...one }) => ({ ...one, since: isoInstant(since.get(one.key) ?? clock.now()) }))
        .toSorted((left, right) => Date.parse(left.since) - Date.parse(right.since));
    },
    tellWanted: async (by) => {
      await store.write(tell, { now: await wanted(), by, at: clock.now() });
    },
  };
}

function waitsFor({ role, owner, notBy }: Wanted, { identity, roles }: Asking): boolean {
  if (owner !== undefined) return owner.identity === identity;
  return role !== undefined && roles.includes(role) && !notBy.includes(identity);
}

/** What a version waits for on its way to the target. */
function wantedFor(facts: GateFacts): readonly Wanted[] {
  const { version, target, authors, approvals, certifications, unaccepted } = facts;
  const missing = missingGates(facts);
  // Somebody has said no: until there is something new, nobody is waited for.
  if (missing.some(({ refused }) => refused === true)) return [];
  const about = { modelVersion: version.id, environment: target.name };
  const certified = certifications.filter((word) => word.package === version.package).map(({ certifiedBy }) => certifiedBy.identity);
  const ofPackage = approvals.filter((word) => word.package === version.package).map(({ approvedBy }) => approvedBy.identity);
  // A word that counts no longer keeps duties apart all the same.
  const lapsed = (duty: 'certification' | 'approval'): readonly string[] =>
    unaccepted.filter(({ kind, isBroken }) => kind === duty && !isBroken).map(({ by }) => by.identity);
  const found: Wanted[] = [];
  if (missing.some(({ gate }) => gate === 'certification')) {
    for (const environment of certifyingEnvironments(target, facts.environments)) {
      const report = newestTests(facts, environment);
      if (report?.passed !== true) continue;
      const text = `${title(version)}: read the report of its application tests, and certify it`;
      found.push({
        ...about,
        key: `certify:${report.id}`,
        what: 'certify',
        text,
        report: report.id,
        role: 'qa',
        notBy: [...authors, ...ofPackage, ...lapsed('approval')],
      });
    }
  }
  const [first, ...rest] = lackingItems(facts);
  if (first !== undefined) {
    // A later stage waits for the earlier one.
    for (const { stage, item } of [first, ...rest]) {
      if (stage !== first.stage || 'check' in item) continue;
      const words = 'statement' in item ? `answer: ${item.statement}` : `upload: ${item.document}`;
      const key = `answer:${version.id}:${target.name}:${item.id}`;
      found.push({ ...about, key, what: 'answer', text: `${title(version)}: ${words}`, item: item.id, role: item.by, notBy: [] });
    }
  }
  if (missing.length > 0 && missing.every(({ gate }) => gate === 'approval')) {
    const key = `approve:${version.id}:${target.name}`;
    const text = `${title(version)}: approve it for ${target.name}`;
    const current = validApprovals(facts).map(({ approvedBy }) => approvedBy.identity);
    found.push({
      ...about,
      key,
      what: 'approve',
      text,
      role: 'approver',
      notBy: [...authors, ...certified, ...lapsed('certification'), ...current],
    });
  }
  return found;
}
