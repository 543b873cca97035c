import { eventType, mailTopics } from '#contract';
import { isoInstant } from '#core';
import type { Tx } from '#store';
import { MailCourier } from './courier.ts';
import { lettersOf, mailedEvents } from './letters.ts';
import { deleteAddress, enqueue, selectAddress, selectAddresses, selectMails, upsertAddress } from './mail-store.ts';
import type { AddressChange, MailDeps, Mails } from './port.ts';
import { smtpClient } from './smtp.ts';

/** What happened earlier is no news: it is not told after e-mail was set up, or was away for long. */
const newsForMs = 2 * 24 * 3_600_000;

/**
 * Opens the room over a migrated store; with a server, what happens from now on is told.
 * @param options.sends whether due messages are sent by themselves; default true
 */
export async function openMails(deps: MailDeps, { sends = true }: { readonly sends?: boolean } = {}): Promise<Mails> {
  const { store, events, clock, server } = deps;
  await using opened = new AsyncDisposableStack();
  const courier = server === undefined ? undefined : opened.use(new MailCourier(deps, await smtpClient(server)));
  const subscription =
    courier === undefined
      ? undefined
      : opened.use(
          await events.subscribe({
            name: 'mail',
            types: mailedEvents,
            from: 'now',
            effect: async (event) => {
              if (clock.now() - Date.parse(event.time) > newsForMs) return;
              const addresses = await store.read(selectAddresses);
              const letters = await lettersOf(event, new Map(addresses.map(({ identity, topics }) => [identity, topics])), deps);
              if (letters.length === 0) return;
              await store.write(enqueue, { letters, at: clock.now() });
              courier.wake();
            },
          }),
        );
  if (sends) courier?.start();

  async function set(tx: Tx, { identity, address, topics, by, at }: Required<AddressChange> & { readonly at: number }): Promise<void> {
    await upsertAddress(tx, { identity, address, topics, changedAt: at });
    events.publish(tx, {
      type: eventType('mail_address.set'),
      subject: identity,
      actor: by.identity,
      data: { identity, topics: [...topics] },
    });
  }
  async function remove(tx: Tx, { identity, by }: Pick<AddressChange, 'identity' | 'by'>): Promise<void> {
    if ((await selectAddress(tx, identity)) === undefined) return;
    await deleteAddress(tx, identity);
    events.publish(tx, { type: eventType('mail_address.removed'), subject: identity, actor: by.identity, data: { identity } });
  }
  const closing = opened.move();
  return {
    address: async ({ id, name }) => {
      const kept = await store.read((db) => selectAddress(db, id));
      const about = { identity: id, name, configured: server !== undefined };
      if (kept === undefined) return { ...about, topics: [] };
      return { ...about, address: kept.address, topics: [...kept.topics], changedAt: isoInstant(kept.changedAt) };
    },
    setAddress: ({ topics = mailTopics, ...change }) => store.write(set, { ...change, topics, at: clock.now() }),
    removeAddress: ({ identity, by }) => store.write(remove, { identity, by }),
    list: () => store.read(selectMails),
    sendDue: async () => (await courier?.sendDue()) ?? 0,
    caughtUp: async () => {
      await subscription?.caughtUp();
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
