import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { digestOf, noFaults } from '#core';
import { publicSource, readTable, standsAsRead } from '#data';
import type { TableRead } from '#data';
import { rawParquet } from '#tables';
import { flush, keepRecord, readRecord } from './durable.ts';
import { partitionOf } from './outputs/output.ts';
import type { Output } from './outputs/output.ts';
import { asPart, asPlan, partsOf, planDigest, usualPartRows } from './plan.ts';
import type { KeptPlan, PartRecord } from './plan.ts';
import type { BatchRequest, PredictDeps } from './port.ts';

/** How the input is named in a plan, and read. */
function sourceDigest({ input, model, choices }: BatchRequest): string {
  const texts = model.signature.inputs.filter(({ datatype }) => datatype === 'BYTES').map(({ name }) => name);
  return digestOf({ source: input.source ?? input.parquet, dialect: choices.dialect ?? {}, texts });
}

/** The plan of an unfinished run, when it is this request's; another one's work is thrown away. */
export async function keptPlan(
  request: BatchRequest,
  deps: PredictDeps,
  outputs: readonly Output[],
  folder: string,
): Promise<KeptPlan | undefined> {
  const plan = asPlan(await readRecord(join(folder, 'plan.json')));
  const { input, model, say } = request;
  if (plan === undefined) return undefined;
  const other = (what: string): undefined => {
    say?.(`begins anew: ${what} since an earlier run was broken off`);
    return undefined;
  };
  if (plan.input.source !== sourceDigest(request)) return other('the input is another one');
  if (plan.facts.package !== model.package) return other('the model is another one');
  if (plan.facts.output !== addressesOf(outputs) || digestOf(plan.facts.choices) !== digestOf(choicesOf(request, outputs)))
    return other('the output is another one');
  if (request.partRows !== undefined && plan.facts.partRows !== request.partRows) return other('parts have another size');
  if (input.source !== undefined) {
    const stands = await standsAsRead(
      deps,
      input.source,
      { stamp: plan.input.stamp, ...(plan.input.found === undefined ? {} : { found: plan.input.found }) },
      folder,
    );
    if (!stands) return other('the input changed');
  }
  if ((await stat(plan.input.path).catch(() => undefined)) === undefined) return other('the rows that were read are gone');
  return plan;
}

const addressesOf = (outputs: readonly Output[]): string => outputs.map(({ address }) => address).join(' and ');

function choicesOf({ choices }: BatchRequest, outputs: readonly Output[]): Record<string, unknown> {
  const { columns, features, ids = false, prefix = 'prediction_' } = choices;
  const partitionBy = partitionOf(outputs);
  return {
    ...(columns === undefined ? {} : { columns }),
    ...(features === undefined ? {} : { features }),
    ids,
    prefix,
    ...(partitionBy === undefined ? {} : { partitionBy }),
  };
}

/** Reads the input and writes the plan; what lay in the folder is gone. */
export async function newPlan(
  request: BatchRequest,
  deps: PredictDeps,
  outputs: readonly Output[],
  folder: { readonly path: string; clear(): Promise<void> },
): Promise<KeptPlan> {
  const { input, model, choices, progress, newId, faults = noFaults } = request;
  await folder.clear();
  progress?.({ phase: 'reading', rows: 0, of: 0, failed: 0 });
  const place = join(folder.path, 'input');
  await mkdir(place);
  let read: TableRead & { readonly address: string };
  if (input.source === undefined) read = { path: input.parquet, untyped: [], stamp: '', address: input.address };
  else {
    const inputs = model.signature.inputs;
    const texts = inputs.filter(({ datatype }) => datatype === 'BYTES').map(({ name }) => name);
    const lenient = [...inputs.filter(({ datatype }) => datatype !== 'BYTES').map(({ name }) => name), ...(choices.features ?? [])];
    const reading = { texts, lenient, ...(choices.dialect === undefined ? {} : { dialect: choices.dialect }) };
    read = { ...(await readTable(deps, input.source, place, reading)), address: publicSource(input.source) };
  }
  const { rows, columns } = await rawParquet(read.path);
  const facts = {
    format: 'gyre.batch-plan.v1' as const,
    input: { sha256: await digestOfFile(read.path), rows },
    package: model.package,
    output: addressesOf(outputs),
    choices: choicesOf(request, outputs),
    partRows: request.partRows ?? usualPartRows(columns.length),
  };
  const { found } = read;
  const plan: KeptPlan = {
    digest: planDigest(facts),
    facts,
    run: newId(),
    input: {
      address: read.address,
      path: read.path,
      untyped: read.untyped === 'all' ? 'all' : [...read.untyped],
      stamp: read.stamp,
      ...(found === undefined ? {} : { found: { ...found } }),
      source: sourceDigest(request),
    },
  };
  if (read.path.startsWith(folder.path)) await flush(read.path);
  await keepRecord(join(folder.path, 'plan.json'), plan, faults);
  return plan;
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** The name of a part's folder, and of its record. */
export const nameOf = (at: number): string => `part-${String(at).padStart(5, '0')}`;

/** The parts that are finished. */
export async function partRecords({ facts }: KeptPlan, folder: string): Promise<PartRecord[]> {
  const found: PartRecord[] = [];
  for (const { at, start, end } of partsOf(facts.input.rows, facts.partRows)) {
    const part = asPart(await readRecord(join(folder, `${nameOf(at)}.json`)));
    if (part?.start === start && part.end === end) found.push(part);
  }
  return found;
}
