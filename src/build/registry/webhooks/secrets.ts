import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { GyreError } from '#core';

/*
 * A webhook's secret has to be used again, so it cannot be kept as a hash: it is sealed with AES-256-GCM (NIST SP 800-38D) under a key that
 * lies beside the database, and bound to its webhook.
 */

const ivBytes = 12;
const tagBytes = 16;

/** @param iv 12 random bytes, another one each time */
export function sealSecret(secret: string, key: Uint8Array, webhook: string, iv: Uint8Array): string {
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(webhook));
  const sealed = [cipher.update(secret, 'utf8'), cipher.final()];
  return Buffer.concat([iv, ...sealed, cipher.getAuthTag()]).toString('base64');
}

/** @throws GyreError DATA_LOSS when it was sealed with another key, for another webhook, or has changed */
export function openSecret(sealed: string, key: Uint8Array, webhook: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes)).setAAD(Buffer.from(webhook));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()]).toString('utf8');
  } catch (error) {
    throw new GyreError('DATA_LOSS', `the secret of webhook ${webhook} was sealed with another key: give it anew`, {}, { cause: error });
  }
}

/**
 * The signature that MLflow's receivers check (mlflow/webhooks/delivery.py, after standardwebhooks.com).
 * @param timestamp seconds since 1970, as text
 */
export function signatureOf(secret: string, delivery: string, timestamp: string, body: string): string {
  return `v1,${createHmac('sha256', secret).update(`${delivery}.${timestamp}.${body}`).digest('base64')}`;
}
