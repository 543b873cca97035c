import { GyreError } from '#core';

/* What webhooks may be called, and where they may point, in the words that clients know (mlflow/utils/validation.py). */

const longestUrl = 2048;
const refuse = (message: string): GyreError => new GyreError('INVALID_ARGUMENT', message);

/** @throws GyreError INVALID_ARGUMENT */
export function requireWebhookName(name: string): void {
  if (/^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/i.test(name)) return;
  throw refuse(
    `Webhook name '${name}' is invalid. It must start and end with a letter or digit, be at most 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).`,
  );
}

/**
 * An address of http or https. Where it leads is judged when a message is sent: a name may lead elsewhere by then.
 * @throws GyreError INVALID_ARGUMENT
 */
export function requireWebhookUrl(url: string): void {
  if (url.trim() === '') throw refuse(`Webhook URL cannot be empty or just whitespace: '${url}'`);
  if (url.length > longestUrl) throw refuse(`Invalid webhook URL: it has more than ${longestUrl} characters`);
  const parsed = URL.parse(url);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1].toLowerCase() ?? '';
  if (scheme !== 'http' && scheme !== 'https') throw refuse(`Invalid webhook URL scheme: '${scheme}'. Allowed schemes are: https, http.`);
  if (parsed === null) throw refuse(`Invalid webhook URL '${url}'`);
  if (parsed.hostname === '') throw refuse(`Webhook URL must include a hostname: '${url}'`);
}
