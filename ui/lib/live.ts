import { signal } from '@preact/signals';
import type { DatasetIngestion, GyreEvent } from '#contract';
import { apiUrl } from './api.ts';
import { eventParser } from './event-stream.ts';
import type { IngestionTold, StepProgress } from './shapes.ts';

export type Connection = 'connecting' | 'live' | 'lost';
/** Whether what is shown follows what happens. */
export const connection = signal<Connection>('connecting');
/** The newest event that was heard. */
export const lastEvent = signal<GyreEvent | undefined>(undefined);

/** How far steps are that run now, by pipeline run and step. */
export const progress = signal<ReadonlyMap<string, StepProgress>>(new Map());

/** Ingestions that were heard of, by id: as they were told last. */
export const ingestions = signal<ReadonlyMap<string, DatasetIngestion>>(new Map());

interface Listener {
  readonly kinds: readonly string[];
  readonly heard: () => void;
}
const listeners = new Set<Listener>();
const due = new Set<Listener>();
/** Events come in bursts; a page brings itself up to date once for a burst. */
const burstMs = 250;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Calls back soon after events of these kinds, and after a lost connection came back. @returns a function that ends it */
export function onEvents(kinds: readonly string[], heard: () => void): () => void {
  const listener = { kinds, heard };
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    due.delete(listener);
  };
}

function tell(kind: string | undefined): void {
  for (const listener of listeners) {
    if (kind === undefined || listener.kinds.some((beginning) => kind.startsWith(beginning))) due.add(listener);
  }
  if (due.size === 0 || timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    const now = [...due];
    due.clear();
    for (const { heard } of now) heard();
  }, burstMs);
}

/** `dev.gyre.window.evaluated.v1` → `window.evaluated`. */
export function kindOf(type: string): string {
  return type.replace(/^dev\.gyre\./, '').replace(/\.v\d+$/, '');
}

/**
 * Follows the event stream until stopped. After a loss it comes back by itself and reads on where it stopped (Last-Event-ID).
 * @param from position of the stream to start after; undefined: what happens from now on
 */
export function followEvents(from: () => Promise<number | undefined>): () => void {
  const stopped = new AbortController();
  void follow(from, stopped.signal);
  return () => stopped.abort();
}

async function follow(from: () => Promise<number | undefined>, signal: AbortSignal): Promise<void> {
  let last: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      last ??= (await from())?.toString();
      const response = await fetch(apiUrl('events/stream'), {
        headers: { accept: 'text/event-stream', ...(last === undefined ? {} : { 'last-event-id': last }) },
        signal,
      });
      if (!response.ok || response.body === null) throw new Error(`the event stream answered ${response.status}`);
      if (failures > 0) tell(undefined);
      failures = 0;
      connection.value = 'live';
      const parse = eventParser();
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
        for (const message of parse(decoder.decode(chunk.value, { stream: true }))) {
          last = message.id ?? last;
          if (message.event === 'progress') hearProgress(message.data);
          else hear(message.data);
        }
      }
    } catch {
      // Said by `connection`; the next try follows.
    }
    if (signal.aborted) return;
    failures += 1;
    connection.value = 'lost';
    await pause(Math.min(15_000, 500 * 2 ** Math.min(failures, 5)), signal);
  }
}

/** At most so many steps and ingestions are kept in mind. */
const keptInMind = 100;

function hearProgress(data: string): void {
  const told = JSON.parse(data) as StepProgress | IngestionTold | { readonly kind: string };
  if ('ingestion' in told) return hearIngestion(told.ingestion);
  if (told.kind === 'batch') return tell('batch_prediction.');
  if (!('total' in told)) {
    // A step or a run that changed its state without an event of its own, such as a retry.
    tell('pipeline_run.');
    return;
  }
  const entries = [...progress.value].slice(-keptInMind);
  progress.value = new Map([...entries, [`${told.pipelineRun} ${told.step}`, told]]);
}

function hearIngestion(told: DatasetIngestion): void {
  const isNews = told.progress === undefined || !ingestions.value.has(told.id);
  ingestions.value = new Map([...[...ingestions.value].slice(-keptInMind), [told.id, told]]);
  // that one begins or ends is no event of its own
  if (isNews) tell('dataset_ingestion.');
}

function hear(data: string): void {
  let event: GyreEvent;
  try {
    event = JSON.parse(data) as GyreEvent;
  } catch {
    return;
  }
  if (typeof event.type !== 'string') return;
  lastEvent.value = event;
  tell(kindOf(event.type));
}

/** Ends early when the browser says that the network is back. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(wait);
      window.removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const wait = setTimeout(end, ms);
    window.addEventListener('online', end);
    signal.addEventListener('abort', end);
  });
}
