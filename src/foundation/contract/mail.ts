import { Type, type Static } from 'typebox';
import { Id, Instant, oneOf, strict } from './common.ts';

/** What people are told of by e-mail: facts that wait for them. */
export const mailTopics = ['sign_off.wanted', 'sign_off.expired', 'finding.overdue'] as const;
export const MailTopic = oneOf(mailTopics);
export type MailTopic = Static<typeof MailTopic>;

/** A mailbox, without a name or a comment: what SMTP takes. */
const Address = Type.String({
  minLength: 3,
  maxLength: 254,
  pattern: "^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$",
  description: 'such as ada@example.org',
});

export const MailAddressInput = strict({
  address: Address,
  topics: Type.Optional(Type.Array(MailTopic, { minItems: 1, uniqueItems: true, description: 'default: all' })),
});
export type MailAddressInput = Static<typeof MailAddressInput>;

/** Where somebody is told of what waits for them. Only they and admins see it. */
export const MailAddress = strict({
  identity: Id,
  name: Type.String(),
  address: Type.Optional(Type.String({ description: 'absent: nothing is sent to them' })),
  topics: Type.Array(MailTopic),
  changedAt: Type.Optional(Instant),
  configured: Type.Boolean({ description: 'whether this platform sends e-mail at all' }),
});
export type MailAddress = Static<typeof MailAddress>;

/** A message on its way to somebody, or that came there. It keeps no address. */
export const Mail = strict({
  id: Type.String({ description: 'what stands before the @ of its Message-ID' }),
  topic: MailTopic,
  event: Id,
  identity: Id,
  subject: Type.String(),
  state: oneOf(['waiting', 'sent', 'failed']),
  tries: Type.Integer(),
  error: Type.Optional(Type.String({ description: 'what the last try came to' })),
  dueAt: Type.Optional(Instant),
  createdAt: Instant,
  endedAt: Type.Optional(Instant),
});
export type Mail = Static<typeof Mail>;
