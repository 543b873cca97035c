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

/** What `namedRows` gives, each row as JSON. */
export function namedRowTexts(signature: Signature, feeds: Feeds, rows: number): string[] {
  const reading = readingOf(signature);
  const texts = Array.from({ length: rows }, () => '');
  const put = (row: number, name: string, text: string): void => {
    texts[row] += `${texts[row] === '' ? '{' : ','}${keyText(name)}${text}`;
  };
  for (const name in feeds) {
    const tensor = feeds[name];
    const { data } = tensor;
    const width = data.length / rows;
    const type = reading.types.get(name);
    if (tooWide(width)) {
      for (let row = 0; row < rows; row++) put(row, name, JSON.stringify(`${tensor.type} [${tensor.shape.slice(1).join(', ')}]`));
    } else if (width === 1) {
      for (let row = 0; row < rows; row++) put(row, name, cellText(cellOf(data[row], type)));
    } else {
      const names = reading.namesOf(name, width);
      for (let row = 0; row < rows; row++)
        for (let k = 0; k < width; k++) put(row, names[k], cellText(cellOf(data[row * width + k], type)));
    }
  }
  return texts.map((text) => (text === '' ? '{}' : `${text}}`));
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
