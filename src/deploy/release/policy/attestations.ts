import { isDeepStrictEqual } from 'node:util';
import { asSha256, GyreError, isoInstant } from '#core';
import { eventType } from '#contract';
import type { Actor, Attestation, JudgedVersion, PolicyDocument, PolicyStatement, PublishedPolicy, Role } from '#contract';
import { requireJudged } from '#registry';
import type { Tx } from '#store';
import type { DecisionSigner } from '../decisions/signature.ts';
import { revoked } from '../gates.ts';
import { selectRevocation } from '../decisions/decisions-store.ts';
import { type Gatekeeper, lockVersion } from '../gatekeeper.ts';
import type { AttachRequest, AttestRequest, Release, ReleaseDeps } from '../port.ts';
import { policyTitle, referenceTo } from './in-force.ts';
import { insertAttestation, selectAttestation } from './policies-store.ts';
import { askedBy, attestationOf, itemOf, lackingItems } from './policy-gates.ts';

type Asked = PolicyStatement | PolicyDocument;

/** What people answer and upload because a policy asks for it. */
export function attestations(
  deps: ReleaseDeps,
  keeper: Gatekeeper,
  signer: DecisionSigner,
): Pick<Release, 'attest' | 'attach' | 'policyEvidence' | 'document'> {
  const { store, blobs, events, clock, newId, versions } = deps;

  /** The item of a policy in force, of whichever environment, and the policy. */
  async function askedOf(id: string): Promise<{ readonly item: Asked; readonly policy: PublishedPolicy }> {
    const policies = await store.read(async (db) => {
      const found: PublishedPolicy[] = [];
      for (const { name } of deps.settings().environments) found.push((await keeper.policyIn(db, name)).policy);
      return found;
    });
    const policy = policies.find((one) => itemOf(one, id) !== undefined);
    const item = policy === undefined ? undefined : itemOf(policy, id);
    if (policy === undefined || item === undefined) {
      const ids = new Set(policies.flatMap((one) => one.policy.stages?.flatMap(({ evidence }) => evidence.map((known) => known.id)) ?? []));
      const which = ids.size === 0 ? 'it asks for none' : `there are ${[...ids].join(', ')}`;
      throw new GyreError('NOT_FOUND', `no policy in force asks for "${id}"; ${which}`, { item: id });
    }
    const others = policies.filter((one) => one.digest !== policy.digest && !isDeepStrictEqual(itemOf(one, id) ?? item, item));
    if (others.length > 0) {
      const names = [policy, ...others].map(policyTitle).join(' and ');
      throw new GyreError(
        'FAILED_PRECONDITION',
        `${names} hold in different environments and ask for "${id}" in different words: give one of the items another id, so that it is plain what is answered`,
        { item: id },
      );
    }
    if ('check' in item) throw new GyreError('FAILED_PRECONDITION', `"${id}" of policy ${policyTitle(policy)} is found out by Gyre itself`);
    return { item, policy };
  }

  async function record(
    what: { readonly version: JudgedVersion; readonly item: Asked; readonly policy: PublishedPolicy; readonly by: Actor },
    said: Pick<Attestation, 'statement' | 'document'>,
  ): Promise<Attestation> {
    const { version, item, policy, by } = what;
    const attestation = signer.sign('attestation', {
      id: newId(),
      modelVersion: version.id,
      package: version.package,
      item: item.id,
      asked: askedBy(item),
      role: item.by,
      policy: referenceTo(policy),
      ...said,
      attestedBy: by,
      attestedAt: isoInstant(clock.now()),
    });
    await store.write(async function recordAttestation(tx: Tx) {
      await lockVersion(tx, version);
      const revocation = await selectRevocation(tx, version.package);
      if (revocation !== undefined) throw new GyreError('FAILED_PRECONDITION', revoked('this version', revocation));
      await insertAttestation(tx, attestation);
      events.publish(tx, {
        type: eventType('attestation.given'),
        subject: version.id,
        actor: by.identity,
        data: { id: attestation.id, modelVersion: version.id, item: item.id, policy: policyTitle(policy) },
      });
    }, undefined);
    return attestation;
  }

  const prepare = async ({ modelVersion, item: id, roles, by }: AttestRequest | AttachRequest) => {
    const version = requireJudged(await versions.getById(modelVersion), 'what a policy asks for');
    const { item, policy } = await askedOf(id);
    requireRole(item, policy, roles, by);
    return { version, item, policy, by };
  };

  return {
    attest: async (request) => {
      const what = await prepare(request);
      if ('statement' in what.item) return record(what, { statement: request.statement });
      throw new GyreError('INVALID_ARGUMENT', `"${request.item}" asks for a document: upload it (gyre release attach)`);
    },
    attach: async (request) => {
      const what = await prepare(request);
      const { name, mediaType, bytes } = request.document;
      if ('statement' in what.item) {
        throw new GyreError('INVALID_ARGUMENT', `"${request.item}" asks for a statement, not for a document (gyre release attest)`);
      }
      if (what.item.mediaTypes?.includes(mediaType) === false) {
        throw new GyreError('INVALID_ARGUMENT', `"${name}" is ${mediaType}; "${request.item}" takes ${what.item.mediaTypes.join(', ')}`);
      }
      const { digest, size } = await blobs.put(bytes);
      return record(what, { document: { name, mediaType, digest, size } });
    },
    policyEvidence: async (modelVersion, environment) => {
      const target = keeper.environmentOf(environment);
      const facts = await store.read(await keeper.factsReader(await versions.getById(modelVersion), target));
      const lacking = new Map(lackingItems(facts).map(({ item, lack }) => [item.id, lack]));
      const { policy } = facts.inForce;
      const items = (policy.policy.stages ?? []).flatMap(({ name, evidence }) =>
        evidence.map((item) => {
          const attestation = 'check' in item ? undefined : attestationOf(facts, item);
          const lack = lacking.get(item.id);
          return {
            stage: name,
            item,
            met: lack === undefined,
            ...(lack === undefined ? {} : { lack }),
            ...(attestation === undefined ? {} : { attestation }),
          };
        }),
      );
      return { policy, items };
    },
    document: async (id) => {
      const found = await store.read((db) => selectAttestation(db, id));
      if (found?.document === undefined) throw new GyreError('NOT_FOUND', `no document "${id}"`);
      return { ...found.document, modelVersion: found.modelVersion, bytes: await blobs.read(asSha256(found.document.digest)) };
    },
  };
}

function requireRole(item: Asked, policy: PublishedPolicy, roles: readonly Role[], { name }: Actor): void {
  if (roles.includes(item.by)) return;
  const held = roles.length === 0 ? 'no role' : roles.join(', ');
  throw new GyreError(
    'PERMISSION_DENIED',
    `"${item.id}" of policy ${policyTitle(policy)} is asked of the role ${item.by}; ${name} has ${held}`,
  );
}
