import { resolve } from 'node:path';
import { GyreError } from '#core';
import { invalidValue } from './message.ts';

/*
 * What the protocol allows to be logged, in the words that clients know (mlflow/utils/validation.py).
 */

export const mostMetrics = 1000;
export const mostParameters = 100;
export const mostTags = 100;
export const mostEntities = 1000;
const longestKey = 250;
const longestParameter = 6000;
const longestTag = 8000;
const longestExperimentName = 500;
const longestExperimentTag = 5000;

const names = /^[/\w.\- :]*$/u;
/** Keys that were looked at and found good: a batch brings the same one a thousand times. */
const good = new Set<string>();
const mostGood = 10_000;

function refuse(message: string): GyreError {
  return new GyreError('INVALID_ARGUMENT', message);
}

function tooLong(what: string, limit: number): GyreError {
  return refuse(`'${what}' exceeds the maximum length of ${limit} characters`);
}

/**
 * A name of a metric, parameter or tag: letters, digits and `_-. :/`, and no path that means another one.
 * @throws GyreError INVALID_ARGUMENT
 */
export function requireKey(key: string, what: 'metric' | 'parameter' | 'tag', path: string | (() => string) = 'key'): void {
  if (good.has(key)) return;
  checkKey(key, what, typeof path === 'string' ? path : path());
  if (good.size >= mostGood) good.clear();
  good.add(key);
}

function checkKey(key: string, what: 'metric' | 'parameter' | 'tag', path: string): void {
  if (!names.test(key)) {
    throw refuse(
      `Invalid value ${JSON.stringify(key)} for parameter '${path}' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).`,
    );
  }
  const normal = normalPath(key);
  if (normal !== key || key === '.' || key.startsWith('..') || key.startsWith('/')) {
    throw refuse(
      `Invalid value ${JSON.stringify(key)} for parameter '${path}' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${normal}'`,
    );
  }
  if (key.length > longestKey) throw tooLong(what === 'metric' ? 'Metric name' : what === 'parameter' ? 'Param key' : 'key', longestKey);
}

function normalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !path.startsWith('/')) parts.push(part);
  }
  return (path.startsWith('/') ? '/' : '') + parts.join('/') || '.';
}

/** @throws GyreError INVALID_ARGUMENT */
export function requireParameter({ key, value }: { readonly key: string; readonly value: string }, path = ''): void {
  requireKey(key, 'parameter', path === '' ? 'key' : `${path}.key`);
  if (value.length > longestParameter) throw tooLong('Param value', longestParameter);
}

/** @throws GyreError INVALID_ARGUMENT */
export function requireTag({ key, value }: { readonly key: string; readonly value: string }, path = ''): void {
  requireKey(key, 'tag', path === '' ? 'key' : `${path}.key`);
  if (value.length > longestTag) throw tooLong(path === '' ? 'value' : `${path}.value`, longestTag);
}

/** @throws GyreError INVALID_ARGUMENT */
export function requirePoint({ key, timestamp }: { readonly key: string; readonly timestamp: number }, at?: number): void {
  const path = (field: string) => (): string => (at === undefined ? field : `metrics[${at}].${field}`);
  requireKey(key, 'metric', path('name'));
  if (timestamp < 0) throw invalidValue(path('timestamp')(), timestamp, 'a time is a nonnegative whole number of milliseconds.');
}

/** @throws GyreError INVALID_ARGUMENT */
export function requireExperimentName(name: string): void {
  if (name.length > longestExperimentName) throw tooLong('name', longestExperimentName);
}

/** @throws GyreError INVALID_ARGUMENT */
export function requireExperimentTag({ key, value }: { readonly key: string; readonly value: string }): void {
  requireKey(key, 'tag');
  if (value.length > longestExperimentTag) throw tooLong('value', longestExperimentTag);
}

/** @throws GyreError INVALID_ARGUMENT */
export function requireAtMost(what: string, limit: number, length: number): void {
  if (length > limit)
    throw refuse(
      `A batch logging request can contain at most ${limit} ${what}. Got ${length} ${what}. Please split up ${what} across multiple requests and try again.`,
    );
}

/**
 * Where an experiment's clients put artifacts.
 * @throws GyreError INVALID_ARGUMENT for a location with a query or a fragment, or one that leaves its folder
 */
export function requireArtifactLocation(location: string): void {
  if (location.length > 2048)
    throw refuse(`Invalid artifact path length. The length of the artifact path cannot be greater than 2048 characters.`);
  const [, rest = location] = /^[a-z][a-z0-9+.-]*:(.*)$/is.exec(location) ?? [];
  if (/[#;]/.test(rest) || (/\?/.test(rest) && /(^|[?&=])[^?]*\.\./.test(rest)))
    throw refuse(`'artifact_location' URL can't include fragments or params. '${location}'`);
  let decoded = rest;
  for (let round = 0; round < 3 && /%[0-9a-f]{2}/i.test(decoded); round++) decoded = decodeURIComponentSafely(decoded);
  if (decoded.split(/[/\\?]/).includes('..')) throw refuse(`Invalid artifact location '${location}': it must not contain ".."`);
}

/** A folder without a root is one beside the server, as MLflow takes it: clients on other machines must not look for it beside them. */
export function absoluteLocation(location: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.test(location) ? location : resolve(location);
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse(`Invalid artifact location: a percent sign begins no character there`);
  }
}

/** @throws GyreError INVALID_ARGUMENT */
export function requireLoggedModelName(name: string): void {
  if (!/[/:.%"']/.test(name)) return;
  throw refuse(
    `Invalid model name ('${name}') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
  );
}
