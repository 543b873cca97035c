import { eventType } from '#contract';
import type { Actor, Charter, CharterConfirmation, CharterVersion, EventTypes } from '#contract';
import { GyreError, digestOf } from '#core';
import type { Clock } from '#core';
import type { Events } from '#events';
import type { Store } from '#store';
import { addConfirmation, listConfirmations } from './confirmations-store.ts';
import { addCharter, findCharter, listCharters } from './charter-store.ts';

export interface CharterDeps {
  readonly store: Store;
  readonly events: Pick<Events<EventTypes>, 'publish'>;
  readonly clock: Clock;
}

/** Phase zero on record: every change of a charter's words is a new version, and the same words are the same version. */
export interface CharterBook {
  /** Records a charter; the same words again give the version they had (also after others came between). */
  record(project: string, charter: Charter, by: Actor): Promise<CharterVersion>;
  /** @throws GyreError NOT_FOUND */
  get(project: string, digest: string): Promise<CharterVersion>;
  /**
   * Records that somebody agrees to a charter that is recorded, word for word; other words need a confirmation of their own.
   * @param confirmation.data dataset → its newest version, which the person looked at
   * @throws GyreError NOT_FOUND when no such charter is recorded
   */
  confirm(
    confirmation: Pick<CharterConfirmation, 'project' | 'charter' | 'data' | 'by'> & { readonly comment?: string },
  ): Promise<CharterConfirmation>;
  /** Of a project, newest first. */
  confirmations(project: string): Promise<readonly CharterConfirmation[]>;
  /** Newest first. */
  list(project: string): Promise<readonly CharterVersion[]>;
}

export function openCharter({ store, events, clock }: CharterDeps): CharterBook {
  const book: CharterBook = {
    async record(project, charter, by) {
      const digest = digestOf(charter);
      const known = await store.read((db) => findCharter(db, project, digest));
      if (known !== undefined) return known;
      return store.write(
        async (tx, args) => {
          const { version, created } = await addCharter(tx, args);
          if (created) {
            const data = { digest: version.digest, version: version.version };
            events.publish(tx, { type: eventType('charter.recorded'), subject: digest, data, actor: by.identity, project });
          }
          return version;
        },
        { project, digest, charter, at: clock.now(), by: by.name },
      );
    },
    async get(project, digest) {
      const found = await store.read(async (db) => ({
        charter: await findCharter(db, project, digest),
        all: await listCharters(db, project),
      }));
      if (found.charter !== undefined) return found.charter;
      const known = found.all.map(({ version, digest: other }) => `${version} (${other.slice(0, 12)})`);
      throw new GyreError('NOT_FOUND', `project "${project}" has no charter ${digest}; recorded: ${known.join(', ') || 'none'}`, {
        digest,
      });
    },
    async confirm(confirmation) {
      await book.get(confirmation.project, confirmation.charter);
      return store.write(
        async (tx, args: typeof confirmation & { readonly at: number }) => {
          const confirmed = await addConfirmation(tx, args);
          const data = { charter: args.charter };
          const { project, by } = args;
          events.publish(tx, { type: eventType('charter.confirmed'), subject: args.charter, data, actor: by.identity, project });
          return confirmed;
        },
        { ...confirmation, at: clock.now() },
      );
    },
    confirmations: (project) => store.read((db) => listConfirmations(db, project)),
    list: (project) => store.read((db) => listCharters(db, project)),
  };
  return book;
}
