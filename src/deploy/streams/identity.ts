import { createHash } from 'node:crypto';
import type { Delivery } from './port.ts';

/**
 * The id of what is published for a message: a UUID of version 8 (RFC 9562, section 5.8) made of the group and of the message's own id
 * (`nats-msg-id`, or `ce-source` and `ce-id` of a CloudEvent), or of its place in the topic where it has none. So a message that is delivered again,
 * or that its sender sent again under the same id, is answered under the same id.
 */
export function answerId(group: string, delivery: Delivery): string {
  return uuidOf(['gyre.stream.v1', group, ownId(delivery) ?? delivery.identity]);
}

/** The id of one row's prediction, in the form of the data plane's: generation 0 (no release manifest answered it), the package's first digits, a UUID. */
export function predictionId(answer: string, packageDigest: string, row: number): string {
  return `0-${packageDigest.slice(0, 8)}-${uuidOf(['gyre.stream-prediction.v1', answer, packageDigest, String(row)])}`;
}

function ownId({ headers }: Delivery): string | undefined {
  const nats = headers['nats-msg-id'];
  if (nats !== undefined && nats !== '') return `id ${nats}`;
  const event = headers['ce-id'];
  return event === undefined || event === '' ? undefined : `event ${JSON.stringify([headers['ce-source'] ?? '', event])}`;
}

function uuidOf(parts: readonly string[]): string {
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  const variant = (8 + (Number.parseInt(hex[16], 16) % 4)).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
