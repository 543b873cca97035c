import { createHash } from 'node:crypto';
import type { EventTypes, Identity, MailTopic } from '#contract';
import { eventType } from '#contract';
import type { AnyEvent } from '#events';
import type { Letter } from './mail-store.ts';
import type { MailDeps } from './port.ts';

/** Events that people are told of. */
export const mailedEvents = [eventType('sign_off.wanted'), eventType('sign_off.expired'), eventType('finding.overdue')] as const;
export type MailedEvent = AnyEvent<EventTypes, (typeof mailedEvents)[number]>;

/** What a message says, and to whom it speaks. */
interface News {
  readonly topic: MailTopic;
  readonly modelVersion: string;
  readonly title: string;
  readonly lines: readonly string[];
  /** Of the page that shows it. */
  readonly path: string;
  readonly isFor: (person: Identity) => boolean;
}

function newsOf(event: MailedEvent, named: string): News {
  switch (event.type) {
    case 'dev.gyre.sign_off.wanted.v1': {
      const { modelVersion, text, environment, role, owner, notBy = [] } = event.data;
      return {
        topic: 'sign_off.wanted',
        modelVersion,
        title: `waits for you: ${text}`,
        lines: [text, ...(environment === undefined ? [] : [`It is on its way to "${environment}".`])],
        path: '/waiting',
        isFor: ({ id, roles }) => (owner === undefined ? roles.some((one) => one === role) && !notBy.includes(id) : id === owner),
      };
    }
    case 'dev.gyre.sign_off.expired.v1': {
      const { modelVersion, environment, expiredAt } = event.data;
      return {
        topic: 'sign_off.expired',
        modelVersion,
        title: `what ${environment} serves is to be signed off again`,
        lines: [
          `${named} serves "${environment}", and was signed off until ${expiredAt}.`,
          ...(event.reason === undefined ? [] : [`Why: ${event.reason}.`]),
          'It serves on; it is not released anew before it is signed off again.',
        ],
        path: '/environments',
        isFor: ({ roles }) => roles.includes('approver') || roles.includes('operator'),
      };
    }
    case 'dev.gyre.finding.overdue.v1': {
      const { modelVersion, severity, owner, dueAt } = event.data;
      return {
        topic: 'finding.overdue',
        modelVersion,
        title: `a finding (${severity}) on ${named} is overdue`,
        lines: [`You see to a finding (${severity}) on ${named} that was due on ${dueAt}:`, event.reason ?? ''],
        path: '/waiting',
        isFor: ({ id }) => id === owner,
      };
    }
  }
}

/** The messages that an event gives, one for each person whom it speaks to, who has an address for its topic and may read the model. */
export async function lettersOf(
  event: MailedEvent,
  addressed: ReadonlyMap<string, readonly MailTopic[]>,
  { people, mayRead, titleOf, links }: Pick<MailDeps, 'people' | 'mayRead' | 'titleOf' | 'links'>,
): Promise<readonly Letter[]> {
  if (addressed.size === 0) return [];
  const { topic, modelVersion, title, lines, path, isFor } = newsOf(event, await titleOf(event.data.modelVersion));
  const letters: Letter[] = [];
  for (const person of await people()) {
    if (person.disabled || !isFor(person) || addressed.get(person.id)?.includes(topic) !== true) continue;
    if (!(await mayRead(person.id, modelVersion))) continue;
    const link = links === '' ? [] : [`${links.replace(/\/+$/, '')}${path}`];
    const why = `You are told as ${person.name}. "gyre mail remove" ends it, "gyre mail set" chooses of what.`;
    letters.push({
      id: `${event.id}.${createHash('sha256').update(person.id).digest('hex').slice(0, 12)}`,
      topic,
      event: event.id,
      identity: person.id,
      subject: `Gyre: ${title}`.replaceAll(/\s+/g, ' ').slice(0, 200),
      text: `${[...lines, '', ...link, '', why].join('\n')}\n`,
    });
  }
  return letters;
}
