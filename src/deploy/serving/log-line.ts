import type { NamedRow, ReleaseManifest, Signature } from '#contract';
import { isoInstant } from '#core';
import type { Feeds } from '#onnx';
import { cellOf, readingOf, tooWide } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { ServedModel } from './generation.ts';

/*
 * The texts of the prediction log, put together by hand: every answer waits for its line, and a serialiser that looks at each object for its
 * members takes four times as long.
 */

/** Everything of a line but its rows. */
export interface LineHead {
  readonly manifest: ReleaseManifest;
  readonly entry: ServedModel['entry'];
  /** Epoch milliseconds. */
  readonly servedMs: number;
  readonly latencyMs: number;
  readonly eventTime: string | undefined;
  readonly traceId: string | undefined;
}

/** One row of a line; inputs and outputs as JSON. */
export interface LineRow {
  readonly id: string;
  readonly inputs: string;
  readonly outputs: string;
  readonly key: string | undefined;
}

/** A LoggedRequest as JSON. */
export function logLine({ manifest, entry, servedMs, latencyMs, eventTime, traceId }: LineHead, rows: readonly LineRow[]): string {
  let line = `${sharedText(manifest, entry)}"servedAt":"${instantText(servedMs)}",`;
  if (eventTime !== undefined) line += `"eventTime":${JSON.stringify(eventTime)},`;
  if (traceId !== undefined) line += `"traceId":${JSON.stringify(traceId)},`;
  line += `"latencyMs":${latencyMs},"rows":[`;
  for (let at = 0; at < rows.length; at++) {
    const { id, inputs, outputs, key } = rows[at];
    line += `${at === 0 ? '' : ','}{"id":"${id}","inputs":${inputs},"outputs":${outputs}${key === undefined ? '' : `,"key":${JSON.stringify(key)}`}}`;
  }
  return `${line}]}`;
}

const shared = new WeakMap<ReleaseManifest, Map<ServedModel['entry'], string>>();

/** What all lines of a model under a manifest begin with. */
function sharedText(manifest: ReleaseManifest, entry: ServedModel['entry']): string {
  return shared
    .getOrInsertComputed(manifest, () => new Map<ServedModel['entry'], string>())
    .getOrInsertComputed(entry, () => {
      const { environment, endpoint, generation } = manifest;
      const { package: digest, name: model, version } = entry;
      return `${JSON.stringify({ environment, endpoint, generation, package: digest, model, version }).slice(0, -1)},`;
    });
}

let lastMs = Number.NaN;
let lastText = '';

/** Many answers leave in one millisecond. */
function instantText(instantMs: number): string {
  if (instantMs !== lastMs) {
    lastMs = instantMs;
    lastText = isoInstant(instantMs);
  }
  return lastText;
}

/** One tensor of a request, as its values are named in a row. */
interface NamedTensor {
  readonly data: Feeds[string]['data'];
  readonly type: string | undefined;
  /** Each value's name, with the mark before it that a row's text wants there. */
  readonly keys: readonly string[];
  /** What stands for values that are too many. */
  readonly instead: string | undefined;
}

/** What `namedRows` gives, each row as JSON. */
export function namedRowTexts(signature: Signature, feeds: Feeds, rows: number): string[] {
  const tensors = namedTensors(signature, feeds, rows);
  const texts: string[] = [];
  for (let row = 0; row < rows; row++) {
    let text = '';
    for (const { data, type, keys, instead } of tensors) {
      const width = keys.length;
      if (instead !== undefined) text = `${text}${keys[0]}${instead}`;
      else if (data instanceof Float32Array && type === undefined) text = withNumbers(text, keys, data, row * width);
      else for (let k = 0; k < width; k++) text = `${text}${keys[k]}${cellText(cellOf(data[row * width + k], type))}`;
    }
    texts.push(text === '' ? '{}' : `${text}}`);
  }
  return texts;
}

/** Mostly these are nothing but numbers, and many. */
function withNumbers(text: string, keys: readonly string[], data: Float32Array, from: number): string {
  let longer = text;
  for (let k = 0; k < keys.length; k++) {
    const value = data[from + k];
    longer = `${longer}${keys[k]}${value - value === 0 ? value : cellText(cellOf(value, undefined))}`;
  }
  return longer;
}

function namedTensors(signature: Signature, feeds: Feeds, rows: number): NamedTensor[] {
  const reading = readingOf(signature);
  const tensors: NamedTensor[] = [];
  for (const name in feeds) {
    const tensor = feeds[name];
    const { data, shape } = tensor;
    const width = data.length / rows;
    const isWide = tooWide(width);
    const keys = reading.keysOf(name, isWide ? 1 : width, tensors.length === 0);
    // No value, no name.
    if (width === 0) continue;
    const instead = isWide ? JSON.stringify(`${tensor.type} [${shape.slice(1).join(', ')}]`) : undefined;
    tensors.push({ data, type: reading.types.get(name), keys, instead });
  }
  return tensors;
}

/** Names come from signatures and classes: few, and again and again. */
const keys = new Map<string, string>();
const mostKeys = 10_000;

function keyText(name: string): string {
  let text = keys.get(name);
  if (text === undefined) {
    text = `${JSON.stringify(name)}:`;
    if (keys.size >= mostKeys) keys.clear();
    keys.set(name, text);
  }
  return text;
}

function cellText(cell: NamedRow[string]): string {
  return typeof cell === 'string' ? JSON.stringify(cell) : String(cell);
}

/** What a model says about one row, as JSON. */
export function outcomeText(outcome: Outcome): string {
  const { label, value, probabilities, ...more } = outcome;
  const isKnown = Object.keys(more).length === 0;
  if (isKnown && probabilities === undefined && label === undefined && value !== undefined && Number.isFinite(value))
    return `{"value":${value}}`;
  if (!isKnown || label === undefined || probabilities === undefined || value !== undefined) return JSON.stringify(outcome);
  let shares = '';
  for (const name in probabilities) {
    const share = probabilities[name];
    shares += `${shares === '' ? '' : ','}${keyText(name)}${Number.isFinite(share) ? share : 'null'}`;
  }
  return `{"label":${JSON.stringify(label)},"probabilities":{${shares}}}`;
}
