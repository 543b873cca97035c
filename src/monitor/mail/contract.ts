import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventType, type EventKind, type Identity, type EventTypes } from '#contract';
import { countingIds, isoInstant, manualClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import type { Store, Tx } from '#store';
import { openMails } from './mails.ts';
import { mailMigrations } from './migrations/index.ts';
import type { SmtpServer } from './port.ts';
import { openSmtpStand } from './testing.ts';

export interface StoreFixture extends AsyncDisposable {
  open(): Promise<Store>;
}

const minuteMs = 60_000;
const startMs = Date.parse('2026-03-02T09:00:00Z');
const person = (name: string, ...roles: Identity['roles']): Identity => ({
  id: `${name}-id`,
  name,
  roles,
  simulated: false,
  disabled: false,
  createdAt: isoInstant(startMs),
});
const [ada, quinn, qadir, olga] = [person('ada', 'ml-engineer'), person('quinn', 'qa'), person('qadir', 'qa'), person('olga', 'approver')];
const by = { identity: ada.id, name: ada.name };

async function openBench(fixture: StoreFixture, port: number, server: Partial<SmtpServer> = {}) {
  const store = await fixture.open();
  await store.migrate([eventsMigrations, mailMigrations]);
  const clock = manualClock(startMs);
  const events = openEvents({ store, clock, newId: countingIds('event'), source: '/gyre/test' });
  const reported: string[] = [];
  const people = [ada, quinn, qadir, { ...olga }];
  const hidden = new Set<string>();
  const open = () =>
    openMails(
      {
        store,
        events,
        clock,
        server: { host: '127.0.0.1', port, tls: 'none', from: 'gyre@example.org', ...server },
        links: 'https://gyre.example.org/',
        people: () => Promise.resolve(people),
        mayRead: (identity) => Promise.resolve(!hidden.has(identity)),
        titleOf: () => Promise.resolve('churn version 2'),
        report: (message) => void reported.push(message),
      },
      { sends: false },
    );
  const mails = await open();
  for (const { id, name } of people) await mails.setAddress({ identity: id, address: `${name}@example.org`, by });
  async function tell<K extends EventKind>(kind: K, data: EventTypes[ReturnType<typeof eventType<K>>], reason?: string): Promise<void> {
    await store.write(async function publish(tx: Tx) {
      events.publish(tx, {
        type: eventType(kind),
        subject: 'mv-2',
        actor: 'gyre',
        data,
        ...(reason === undefined ? {} : { reason }),
      });
      await Promise.resolve();
    }, undefined);
    await mails.caughtUp();
  }
  return {
    store,
    clock,
    mails,
    open,
    hidden,
    reported,
    people,
    tell,
    wanted: () =>
      tell('sign_off.wanted', {
        what: 'certify',
        text: 'churn version 2: certify it',
        modelVersion: 'mv-2',
        role: 'qa',
        notBy: [qadir.id],
      }),
    [Symbol.asyncDispose]: async () => {
      await mails[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** What the room promises on any store. */
export function mailContract(name: string, fixture: () => Promise<StoreFixture>, skip: string | false = false): void {
  describe(`e-mail on ${name}`, { skip }, () => {
    test('tells those for whom something waits, once, with the id of the fact', async () => {
      await using stand = await openSmtpStand();
      await using bench = await openBench(await fixture(), stand.port);
      await bench.wanted();
      assert.equal(await bench.mails.sendDue(), 1, 'who may not certify it is not told, nor who is no QA expert');
      const [taken] = stand.taken;
      assert.deepEqual(taken.to, ['quinn@example.org']);
      assert.match(taken.text, /^Subject: Gyre: waits for you: churn version 2: certify it$/m);
      assert.match(taken.text, /^Message-ID: <event[^@]*\.[0-9a-f]{12}@example\.org>$/m);
      assert.match(taken.text, /https:\/\/gyre\.example\.org\/waiting/);
      const [mail] = await bench.mails.list();
      assert.deepEqual([mail.state, mail.tries, mail.identity], ['sent', 1, quinn.id]);
      assert.ok(!JSON.stringify(mail).includes('@example.org'), 'the record keeps no address');
      assert.equal(await bench.mails.sendDue(), 0);
    });

    test('tells approvers and operators of what expired, and the owner of what is overdue', async () => {
      await using stand = await openSmtpStand();
      await using bench = await openBench(await fixture(), stand.port);
      const expiredAt = isoInstant(startMs);
      await bench.tell('sign_off.expired', { deployment: 'd', environment: 'production', modelVersion: 'mv-2', expiredAt }, 'data drift');
      await bench.tell(
        'finding.overdue',
        { id: 'f', modelVersion: 'mv-2', severity: 'high', owner: ada.id, dueAt: expiredAt },
        'wrong for tenants',
      );
      assert.equal(await bench.mails.sendDue(), 2);
      assert.deepEqual(
        stand.taken.map(({ to }) => to[0]),
        ['olga@example.org', 'ada@example.org'],
      );
      assert.match(stand.taken[0].text, /Why: data drift/);
      assert.match(stand.taken[1].text, /wrong for tenants/);
    });

    test('tells nobody who was disabled, may not read the model, wants another topic or took the address away', async () => {
      await using stand = await openSmtpStand();
      await using bench = await openBench(await fixture(), stand.port);
      bench.hidden.add(quinn.id);
      await bench.wanted();
      bench.hidden.clear();
      await bench.mails.setAddress({ identity: quinn.id, address: 'quinn@example.org', topics: ['finding.overdue'], by });
      await bench.wanted();
      await bench.mails.setAddress({ identity: quinn.id, address: 'quinn@example.org', by });
      bench.people[1] = { ...quinn, disabled: true };
      await bench.wanted();
      bench.people[1] = quinn;
      assert.deepEqual(await bench.mails.list(), []);
      await bench.wanted();
      await bench.mails.removeAddress({ identity: quinn.id, by });
      assert.equal(await bench.mails.sendDue(), 0, 'what was on its way is gone with the address');
      assert.deepEqual(await bench.mails.address(quinn), { identity: quinn.id, name: 'quinn', topics: [], configured: true });
      assert.deepEqual(stand.taken, []);
    });

    test('tries again after growing pauses while the server is away, and keeps its place over a restart', async () => {
      await using stand = await openSmtpStand();
      await using bench = await openBench(await fixture(), stand.port);
      stand.isAway = true;
      await bench.wanted();
      assert.equal(await bench.mails.sendDue(), 1);
      assert.equal(await bench.mails.sendDue(), 0, 'not before the pause is over');
      bench.clock.advance(minuteMs);
      assert.equal(await bench.mails.sendDue(), 1);
      const [waiting] = await bench.mails.list();
      assert.deepEqual([waiting.state, waiting.tries], ['waiting', 2]);
      assert.equal(Date.parse(waiting.dueAt ?? '') - bench.clock.now(), 90_000);
      assert.equal(bench.reported.length, 2);
      stand.isAway = false;
      bench.clock.advance(2 * minuteMs);
      await bench.mails[Symbol.asyncDispose]();
      await using again = await bench.open();
      assert.equal(await again.sendDue(), 1);
      assert.deepEqual([(await again.list())[0].state, stand.taken.length], ['sent', 1]);
    });

    test('gives up a mailbox that is not there at once, and any message after three days', async () => {
      await using stand = await openSmtpStand();
      await using bench = await openBench(await fixture(), stand.port);
      stand.answer = '550 no mailbox quinn@example.org here';
      await bench.wanted();
      await bench.mails.sendDue();
      const [gone] = await bench.mails.list();
      assert.equal(gone.state, 'failed');
      assert.match(gone.error ?? '', /no mailbox the address here/);
      stand.answer = '451 later';
      await bench.wanted();
      for (let hours = 0; hours < 90; hours += 6) {
        await bench.mails.sendDue();
        bench.clock.advance(6 * 60 * minuteMs);
      }
      assert.equal((await bench.mails.list())[0].state, 'failed');
      assert.deepEqual(stand.taken, []);
    });
  });
}
