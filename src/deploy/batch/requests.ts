import type { BatchRequestBody, DatasetVersion } from '#contract';
import { GyreError } from '#core';
import { targetFromText } from './addresses.ts';
import type { BatchInput, BatchRequest } from './port.ts';

/** Where a request has its predictions written besides. @throws GyreError INVALID_ARGUMENT */
export function targetOf(
  { output, toTable, partitionBy }: BatchRequestBody,
  folder: string,
): ReturnType<typeof targetFromText> | undefined {
  if (output !== undefined)
    return targetFromText(
      output,
      { ...(toTable === undefined ? {} : { table: toTable }), ...(partitionBy === undefined ? {} : { partitionBy }) },
      folder,
    );
  if (toTable === undefined && partitionBy === undefined) return undefined;
  throw new GyreError('INVALID_ARGUMENT', 'a table or columns of an output are named, but no output');
}

export function choicesOf({ columns, features, ids, prefix, delimiter }: BatchRequestBody): BatchRequest['choices'] {
  return {
    ...(columns === undefined ? {} : { columns }),
    ...(features === undefined ? {} : { features }),
    ...(ids === undefined ? {} : { ids }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(delimiter === undefined ? {} : { dialect: { delimiter } }),
  };
}

/** What the input is called, without secrets. */
export function addressOf(
  body: BatchRequestBody,
  { input, version }: { readonly input: BatchInput; readonly version?: DatasetVersion },
): string {
  if (version !== undefined) return `dataset ${version.dataset}`;
  return input.source !== undefined && 'address' in input.source ? body.input.replace(/\/\/[^@/]*@/, '//') : body.input;
}

/** Requests are recorded as they came, and whoever calls may not have the secrets of the environment sent to a place of their choice. */
export function requireNoSecrets({ input, output = '' }: BatchRequestBody): void {
  for (const text of [input, output]) {
    if (text.includes('${')) throw new GyreError('INVALID_ARGUMENT', 'a request names no variables of the environment');
    if (/^[a-z][a-z0-9+.-]*:\/\/[^/@]*:[^/@]*@/i.test(text))
      throw new GyreError(
        'INVALID_ARGUMENT',
        'an address in a request has no password, because requests are recorded: a package (gyre model pull) predicts on the command line, where ${env:NAME} names it',
      );
  }
}
