import type { Experiment, GrantLevel, GuardedRecord } from '#contract';
import { GyreError } from '#core';
import type { Client } from '../client.ts';
import type { Page } from '../lists.ts';

/** As in the contract, whose schemas cost more to import than a line of help is worth. */
export const levels: readonly GrantLevel[] = ['READ', 'USE', 'EDIT', 'MANAGE', 'DENY', 'NO_PERMISSIONS'];

export interface RecordOptions {
  readonly experiment?: string;
  readonly model?: string;
}

/** A record as a person reads it. */
export const nameOf = ({ kind, record }: GuardedRecord): string => `the ${kind === 'experiment' ? 'experiment' : 'model'} ${record}`;

/** The record that options name; undefined when they name none. @throws GyreError INVALID_ARGUMENT, NOT_FOUND */
export async function recordOf(client: Client, { experiment, model }: RecordOptions): Promise<GuardedRecord | undefined> {
  if (experiment !== undefined && model !== undefined)
    throw new GyreError('INVALID_ARGUMENT', 'one record at a time: --experiment or --model');
  if (model !== undefined) return { kind: 'registered_model', record: model };
  if (experiment === undefined) return undefined;
  if (experiment === '*') return { kind: 'experiment', record: experiment };
  const { items } = await client.get<Page<Experiment>>('experiments?limit=500');
  const found = items.find(({ id }) => id === experiment) ?? items.find(({ name }) => name === experiment);
  if (found === undefined) throw new GyreError('NOT_FOUND', `there is no experiment "${experiment}"`, { experiment });
  return { kind: 'experiment', record: found.id };
}

/** The record that options name. @throws GyreError INVALID_ARGUMENT, NOT_FOUND */
export async function requiredRecord(client: Client, options: RecordOptions): Promise<GuardedRecord> {
  const record = await recordOf(client, options);
  if (record === undefined) throw new GyreError('INVALID_ARGUMENT', 'which record: --experiment NAME or --model NAME');
  return record;
}
