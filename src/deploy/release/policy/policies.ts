import { digestOf, GyreError, isoInstant } from '#core';
import { eventType } from '#contract';
import type { Actor, PublishedPolicy, ReleasePolicy } from '#contract';
import { projectError, readReleasePolicy } from '#project';
import type { Tx } from '#store';
import type { ReleaseDeps } from '../port.ts';
import { builtIn, newestPolicies, overlap, policyTitle } from './in-force.ts';
import { insertPolicy, selectPolicies } from './policies-store.ts';

/** What versions need before they are released, in versions that never change once they are published. */
export interface Policies {
  /** By name, the newest version of each first; the built-in one last. */
  list(): Promise<readonly PublishedPolicy[]>;
  /** @param version default: the newest @throws GyreError NOT_FOUND */
  get(name: string, version?: number): Promise<PublishedPolicy>;
  /**
   * Publishes a version. The same content again changes nothing.
   * @param request.text YAML @param request.file its name, for messages
   * @throws GyreError INVALID_ARGUMENT with line and column of each problem; ALREADY_EXISTS when the version is published with other content;
   *   FAILED_PRECONDITION when a later one is, or another policy applies by itself where this one would
   */
  publish(request: { readonly file: string; readonly text: string; readonly by: Actor }): Promise<PublishedPolicy>;
}

export function openPolicies({ store, events, clock }: Pick<ReleaseDeps, 'store' | 'events' | 'clock'>): Policies {
  const list = async (): Promise<readonly PublishedPolicy[]> => [...(await store.read(selectPolicies)), builtIn];
  async function recordPolicy(tx: Tx, { record, by, at }: { record: PublishedPolicy; by: Actor; at: number }): Promise<PublishedPolicy> {
    await tx.lock('release:policies');
    const { name, version, digest, policy } = record;
    const published = (await selectPolicies(tx)).filter((one) => one.name === name);
    const same = published.find((one) => one.version === version);
    if (same?.digest === digest) return same;
    if (same !== undefined) {
      throw new GyreError(
        'ALREADY_EXISTS',
        `policy ${policyTitle(record)} is published with other content, and stays as it is: publish a change as version ${published[0].version + 1}`,
      );
    }
    const [newest] = published;
    if (published.length > 0 && newest.version > version) {
      throw new GyreError(
        'FAILED_PRECONDITION',
        `policy ${policyTitle(newest)} is published already: version ${newest.version + 1} comes after it`,
      );
    }
    refuseOverlap(policy, await newestPolicies(tx));
    await insertPolicy(tx, { record, at });
    events.publish(tx, {
      type: eventType('release_policy.published'),
      subject: policyTitle(record),
      actor: by.identity,
      data: { name, version, digest },
    });
    return record;
  }
  return {
    list,
    get: async (name, version) => {
      const named = (await list()).filter((one) => one.name === name);
      const found = version === undefined ? named.at(0) : named.find((one) => one.version === version);
      if (found !== undefined) return found;
      const wanted = version === undefined ? name : policyTitle({ name, version });
      const known = (await list()).map(policyTitle).join(', ');
      throw new GyreError('NOT_FOUND', `no policy "${wanted}" is published; there are ${known}`, { name });
    },
    publish: async ({ file, text, by }) => {
      const { policy, problems } = readReleasePolicy(file, text);
      if (policy === undefined) throw projectError(problems);
      const at = clock.now();
      const common = { name: policy.policy, version: policy.version, digest: digestOf(policy), policy, builtIn: false };
      return store.write(recordPolicy, { record: { ...common, publishedBy: by, publishedAt: isoInstant(at) }, by, at });
    },
  };
}

/** One policy at most holds by itself. */
function refuseOverlap(policy: ReleasePolicy, newest: readonly PublishedPolicy[]): void {
  for (const other of newest) {
    if (other.name === policy.policy) continue;
    const common = overlap(policy, other.policy);
    if (common === undefined) continue;
    const where = common.environment === undefined ? 'every environment' : `"${common.environment}"`;
    throw new GyreError(
      'FAILED_PRECONDITION',
      `policy ${policyTitle(other)} applies to ${where} at risk ${common.risk} already: say in appliesTo where "${policy.policy}" holds instead`,
    );
  }
}
