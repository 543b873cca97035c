import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { GyreError, messageOf } from '#core';
import type { ReleaseManifest } from '#contract';
import type { Plane } from './plane.ts';

export interface ControlOptions {
  readonly plane: Plane;
  readonly input: Readable;
  readonly output: Writable;
  /** Reads and verifies a manifest; without a file, the one from the start. */
  readonly readManifest: (file: string | undefined) => Promise<ReleaseManifest>;
  /** Stops answering, after what is under way; the process ends then. */
  readonly drain: () => Promise<void>;
  /** The other side closed the pipe: whoever started this process is gone. */
  readonly onClosed: () => void;
}

/** Answers on the control pipe, one JSON object a line; each repeats the command's `id` and `op`. */
export type ControlAnswer =
  | { readonly op: 'reload'; readonly ok: true; readonly answer: 'loaded'; readonly generation: number }
  | { readonly op: 'reload'; readonly ok: false; readonly answer: 'refused'; readonly reason: string }
  | { readonly op: 'flush'; readonly ok: true; readonly segments: readonly string[] }
  | { readonly op: 'drain'; readonly ok: true }
  | { readonly op: 'stats'; readonly ok: true; readonly stats: ReturnType<Plane['figures']> }
  | { readonly op: string; readonly ok: false; readonly reason: string };

/**
 * Takes commands from the process that started this one: `{"op": "reload", "manifest"?: FILE, "back"?: true}`, `{"op": "flush"}`, `{"op": "stats"}`,
 * `{"op": "drain"}`, each with an optional `id`. What is no command is answered `ok: false`; it never ends the process.
 */
export function serveControl(options: ControlOptions): { readonly say: (line: object) => void } {
  const { input, output, onClosed } = options;
  const say = (line: object): void => {
    output.write(`${JSON.stringify(line)}\n`);
  };
  // The reader of the answers may be gone before its pipe is seen closed.
  output.on('error', () => undefined);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on('line', (line) => {
    if (line.trim() !== '') void handle(line, options).then(say);
  });
  lines.on('close', onClosed);
  return { say };
}

async function handle(line: string, options: ControlOptions): Promise<object> {
  let id: unknown;
  let op = '';
  try {
    const command: unknown = JSON.parse(line);
    if (typeof command !== 'object' || command === null) throw new GyreError('INVALID_ARGUMENT', 'a command is a JSON object');
    const { id: given, op: named, manifest, back } = command as Readonly<Record<string, unknown>>;
    id = given;
    op = String(named);
    if (manifest !== undefined && typeof manifest !== 'string')
      throw new GyreError('INVALID_ARGUMENT', '"manifest" must be the path of a file');
    return { id, ...(await run(op, { manifest, isBack: back === true }, options)) };
  } catch (error) {
    return { id, op, ok: false, reason: messageOf(error) };
  }
}

async function run(
  op: string,
  { manifest, isBack }: { readonly manifest: string | undefined; readonly isBack: boolean },
  { plane, readManifest, drain }: ControlOptions,
): Promise<ControlAnswer> {
  switch (op) {
    case 'reload': {
      const swapped = await plane.swap(() => readManifest(manifest), isBack);
      return swapped.loaded
        ? { op, ok: true, answer: 'loaded', generation: swapped.generation }
        : { op, ok: false, answer: 'refused', reason: swapped.refused };
    }
    case 'flush':
      return { op, ok: true, segments: await plane.flush() };
    case 'stats':
      return { op, ok: true, stats: await plane.allFigures() };
    case 'drain':
      await drain();
      return { op, ok: true };
    default:
      throw new GyreError('INVALID_ARGUMENT', `"${op}" is no command; there are reload, flush, stats and drain`);
  }
}
