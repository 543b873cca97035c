import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { Check } from 'typebox/schema';
import { Enrolment } from '#contract';
import { GyreError, parsedJson } from '#core';

/**
 * Reads an enrolment, as `gyre agent enrol` writes it.
 * @param place the file that it was read from, for messages
 * @throws GyreError INVALID_ARGUMENT when it is none
 */
export function requireEnrolment(text: string, place: string): Enrolment {
  const enrolment = parsedJson(text);
  if (!Check(Enrolment, enrolment))
    throw new GyreError('INVALID_ARGUMENT', `${place} is no enrolment: gyre agent enrol NAME --environment E --to FILE writes one`);
  pinnedKey(enrolment);
  return enrolment;
}

/** The key that everything is checked against which the agent is told. @throws GyreError INVALID_ARGUMENT */
export function pinnedKey({ key }: Pick<Enrolment, 'key'>): KeyObject {
  try {
    const pinned = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
    if (pinned.asymmetricKeyType === 'ed25519') return pinned;
  } catch {
    // What is wrong with it does not help anybody.
  }
  throw new GyreError('INVALID_ARGUMENT', 'the key of the enrolment is no Ed25519 public key: enrol the agent again');
}
