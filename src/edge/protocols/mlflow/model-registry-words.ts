import { isEverywhere, requirePermission } from '#access';
import type { Reach } from '#access';
import type { ModelVersion } from '#contract';
import { modelStages } from '#contract';
import { GyreError, isGyreError } from '#core';
import type { Registry } from '#registry';
import { requireKey } from './limits.ts';
import { missingValue } from './message.ts';
import type { GuardedCall, MlflowCall } from './port.ts';

/*
 * What the protocol allows models, versions, aliases and their tags to be called, and how it says what is wrong (mlflow/utils/validation.py,
 * mlflow/store/model_registry).
 */

const longestModelName = 256;
const longestTag = 100_000;
const longestAlias = 255;
/** MLflow's clients keep prompts as registered models with this tag. */
export const promptTag = 'mlflow.prompt.is_prompt';

const refuse = (message: string): GyreError => new GyreError('INVALID_ARGUMENT', message);
const tooLong = (what: string, limit: number): GyreError => refuse(`'${what}' exceeds the maximum length of ${limit} characters`);

/** @param parameter which of the message's members it is @throws GyreError INVALID_ARGUMENT */
export function requireModelName(name: string, parameter = 'name'): void {
  if (name.trim() === '') throw missingValue(parameter);
  if (/[/:]/.test(name)) throw refuse(`Invalid model name '${name}'. Names cannot contain '/' or ':'.`);
  if (name === '.' || name.startsWith('..') || name.includes('\0'))
    throw refuse(
      `Invalid value ${JSON.stringify(name)} for parameter 'name' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such.`,
    );
  if (name.length > longestModelName) throw tooLong('name', longestModelName);
}

/** @throws GyreError INVALID_ARGUMENT */
export function requireRegistryTag({ key, value }: { readonly key: string; readonly value: string }): void {
  requireKey(key, 'tag');
  if (value.length > longestTag) throw tooLong('value', longestTag);
}

/** @returns the tags by key, the last of each @throws GyreError INVALID_ARGUMENT */
export function registryTags(tags: readonly { readonly key: string; readonly value: string }[]): Record<string, string> {
  for (const tag of tags) requireRegistryTag(tag);
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

/** A version's number. @throws GyreError INVALID_ARGUMENT */
export function versionNumber(version: string): number {
  if (/^\s*[+-]?\d{1,15}\s*$/.test(version)) return Number(version);
  throw refuse(`Parameter 'version' must be an integer, got '${version}'.`);
}

/** @throws GyreError INVALID_ARGUMENT */
export function requireAlias(alias: string): void {
  if (!/^[\p{L}\p{N}_-]*$/u.test(alias))
    throw refuse(`Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`);
  if (alias.length > longestAlias) throw tooLong('Registered model alias name', longestAlias);
}

/** An alias that may be set: not one that means something by itself. @throws GyreError INVALID_ARGUMENT */
export function requireFreeAlias(alias: string): void {
  requireAlias(alias);
  if (alias.toLowerCase() === 'latest') throw refuse(`'latest' alias name (case insensitive) is reserved.`);
  if (/^v\d+$/i.test(alias)) throw refuse(`Version alias name '${alias}' is reserved.`);
}

/** A stage in the protocol's own spelling. @throws GyreError INVALID_ARGUMENT */
export function stageOf(stage: string): ModelVersion['stage'] {
  const found = modelStages.find((one) => one.toLowerCase() === stage.toLowerCase());
  if (found !== undefined) return found;
  throw refuse(`Invalid Model Version stage: ${stage}. Value must be one of ${modelStages.join(', ')}.`);
}

/** Does something with a model or version, and says what there is not as clients expect to hear it. */
export async function inRegistryWords<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!isGyreError(error) || (error.code !== 'NOT_FOUND' && error.code !== 'ALREADY_EXISTS')) throw error;
    const { model, version } = error.details;
    if (typeof model !== 'string') throw error;
    const said =
      error.code === 'ALREADY_EXISTS'
        ? `Registered Model (name=${model}) already exists.`
        : version === undefined
          ? `Registered Model with name=${model} not found`
          : `Model Version (name=${model}, version=${String(version)}) not found`;
    throw new GyreError(error.code, said, error.details, { cause: error });
  }
}

/** Where only the release may say which version stands: the alias of what is released, and its counterpart among the stages. */
export const releasedAlias = 'champion';
export const releasedStage = 'Production' satisfies ModelVersion['stage'];

/**
 * Insists on the permission to release where a change is about what a model that Gyre has judged is released as.
 * @throws GyreError PERMISSION_DENIED
 */
export async function requireRelease(registry: Registry, { principal }: MlflowCall, model: string): Promise<void> {
  if (principal === undefined) throw new GyreError('UNAUTHENTICATED', 'nobody was recognised');
  if (!principal.permissions.has('release') && (await registry.isGoverned(model))) requirePermission(principal, 'release');
}

/** Which models the caller may see; none is named where that is all. */
export function readableModels({ caller }: GuardedCall): { readonly reach?: Reach } {
  const reach = caller?.rights.reach('read', 'registered_model');
  return reach === undefined || isEverywhere(reach) ? {} : { reach };
}

/** Whether a version stands as what is released. */
export function isReleased({ aliases, stage }: Pick<ModelVersion, 'aliases' | 'stage'>): boolean {
  return stage === releasedStage || aliases.includes(releasedAlias);
}
