import { GyreError } from '#core';
import { sqlText } from '#tables';
import type { AddedColumn, RawParquet } from '#tables';
import { bindInputs } from './bind-inputs.ts';
import { partitionOf } from './outputs/output.ts';
import type { Output } from './outputs/output.ts';
import type { KeptPlan } from './plan.ts';
import { usualMemoryMib } from './port.ts';
import type { BatchRequest } from './port.ts';
import type { PartWork } from './predict-part.ts';
import { predictionColumns } from './prediction-columns.ts';

/**
 * Settles which columns go in and come out, before any row is read.
 * @throws GyreError INVALID_ARGUMENT for columns that are not there or would be there twice, FAILED_PRECONDITION for one that the model takes and
 * the input lacks
 */
export function partWork(
  request: BatchRequest,
  plan: KeptPlan,
  source: RawParquet,
  outputs: readonly Output[],
  session: PartWork['session'],
): Omit<PartWork, 'done'> {
  const { model, choices, workers, memoryLimitMib = usualMemoryMib } = request;
  const partitionBy = partitionOf(outputs);
  const isPlain = outputs.some((output) => output.isPlain);
  const names = source.columns.map(({ name }) => name);
  const kept = choices.columns ?? names;
  const unknown = [...kept, ...(partitionBy ?? [])].find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new GyreError('INVALID_ARGUMENT', `the input has no column "${unknown}"; it has ${names.map((name) => `"${name}"`).join(', ')}`, {
      column: unknown,
    });
  const lost = partitionBy?.find((name) => !kept.includes(name));
  if (lost !== undefined)
    throw new GyreError('INVALID_ARGUMENT', `"${lost}" makes the folders, so it must be among the columns that go along`, { column: lost });
  const odd = source.columns.find(
    ({ name, type }) => type === undefined && (isPlain || partitionBy?.includes(name) === true) && kept.includes(name),
  );
  if (odd !== undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `column "${odd.name}" of the input has the type ${odd.sqlType}, which only Parquet holds: leave it out (--columns), or write Parquet`,
      { column: odd.name },
    );
  const table = source.columns.map(({ name, type }) => ({ name, isNumber: type === 'number' || type === 'integer' || type === 'boolean' }));
  const { bindings, maxRows } = bindInputs(model, session, table, choices.features);
  const wanted = [...new Set(bindings.flatMap(({ columns }) => columns.map(({ name }) => name)))];
  const absent = wanted.filter((name) => !names.includes(name));
  if (absent.length > 0 && request.maxFailed !== 1)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the input lacks ${absent.map((name) => `"${name}"`).join(', ')}, which ${model.name} takes: no row could be predicted (it has ${names.map((name) => `"${name}"`).join(', ')}; with --max-failed 1 all rows are written with the reason)`,
      { columns: absent },
    );
  const prefix = choices.prefix ?? 'prediction_';
  const predictions = predictionColumns(model, session, prefix);
  const idColumn: AddedColumn | undefined = choices.ids === true ? { name: `${prefix}id`, sql: idSql(plan) } : undefined;
  const errorColumn = `${prefix}error`;
  const added = [...(idColumn === undefined ? [] : [idColumn.name]), ...predictions.columns.map(({ name }) => name), errorColumn];
  const twice = added.find((name, at) => kept.includes(name) || added.indexOf(name) !== at);
  if (twice !== undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `two columns of the output would be called "${twice}": choose another beginning for those that are added (--prefix), or which columns go along (--columns)`,
      { column: twice },
    );
  return {
    session,
    bindings,
    ...(maxRows === undefined ? {} : { maxRows }),
    predictions,
    path: plan.input.path,
    untyped: plan.input.untyped,
    kept,
    taken: wanted.filter((name) => names.includes(name)),
    errorColumn,
    ...(idColumn === undefined ? {} : { idColumn }),
    layouts: {
      isFile: outputs.some((output) => output.partitionBy === undefined),
      isJoined: outputs.every((output) => output.isJoined),
      ...(partitionBy === undefined ? {} : { partitionBy }),
    },
    memoryLimitMib,
    pending: workers * 2,
  };
}

/**
 * An id for each row in the form of the data plane's: generation 0 (no release manifest answered it), the package's first digits, and a UUID of
 * version 8 (RFC 9562, section 5.8) made of the plan's digest and the row's position, so that a row that is predicted again has the same id.
 */
function idSql({ digest, facts }: KeptPlan): string {
  const fixed = `0-${facts.package.slice(0, 8)}-${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(12, 15)}-`;
  // 12 bits behind the variant, and 48: a base below 2^59 and a position below 2^53 stay within the 60
  const base = BigInt(`0x${digest.slice(16, 31)}`) >> 1n;
  const number = `(${base} + "#row")`;
  const low = `format('{:03x}-{:012x}', (${number} >> 48)::BIGINT, (${number} & 281474976710655)::BIGINT)`;
  return `${sqlText(`${fixed}8`)} || ${low}`;
}
