import type { NamedRow, PredictAnswer, Prediction, Window } from '#contract';
import type { Page } from './client.ts';
import type { Day, Visit } from './scenario.ts';
import { environmentNames, environmentOf, goOn, type Stage } from './stage.ts';

const rowsPerRequest = 10;

/** The columns that are no part of what a caller knows: the answer, and the name of the row. */
export interface TrafficColumns {
  readonly inputs: readonly string[];
  readonly key: string;
}

/** Sends a day's customers to the data plane, spread over the day. Who was answered before is not sent again. */
export async function sendDay(stage: Stage, day: Day, columns: TrafficColumns): Promise<void> {
  const { production } = await environmentNames(stage);
  const answered = new Set((await predictionsOf(stage, day)).map(({ key }) => key));
  const { address, endpoint } = await environmentOf(stage, production);
  const spacing = (day.end - day.start) / Math.ceil(day.visits.length / rowsPerRequest);
  for (let start = 0; start < day.visits.length; start += rowsPerRequest) {
    goOn(stage);
    // A request's time is its place in the day, also when a demo that was cut off goes on: the same rows then come in the same order.
    const batch = day.visits.slice(start, start + rowsPerRequest).filter(({ key }) => !answered.has(key));
    if (batch.length === 0) continue;
    await stage.cast.operator.postTo<PredictAnswer>(`${address}/predict/${endpoint}`, {
      rows: batch.map((visit) => inputsOf(visit, columns)),
      keys: batch.map(({ key }) => key),
      eventTime: new Date(day.start + Math.floor((start / rowsPerRequest) * spacing)).toISOString(),
    });
  }
  await stage.cast.operator.post('monitor/ingest', { environment: production });
}

/** What became of a day's customers is known the day after. */
export async function sendLabels(stage: Stage, day: Day): Promise<void> {
  const truth = new Map(day.visits.map(({ key, label }) => [key, label]));
  const predictions = await predictionsOf(stage, day);
  const observedAt = new Date(day.end).toISOString();
  const labels = predictions.flatMap(({ id, key }) => {
    const value = key === undefined ? undefined : truth.get(key);
    return value === undefined ? [] : [{ prediction: id, value, observedAt }];
  });
  if (labels.length > 0) await stage.cast.operator.post('labels', { labels });
}

/** Has every window computed that has ended by an instant. @param until UTC milliseconds */
export async function evaluateUntil(stage: Stage, until: number): Promise<void> {
  await stage.cast.operator.post('monitor/evaluate', { until: new Date(until).toISOString() });
}

/** The window of a day as it stands on record. */
export async function windowOf(stage: Stage, day: Day): Promise<Window | undefined> {
  const { production } = await environmentNames(stage);
  const from = new Date(day.start).toISOString();
  const windows = await stage.cast.operator.get<Page<Window>>('windows', {
    environment: production,
    from,
    to: new Date(day.end).toISOString(),
    limit: 10,
  });
  return windows.items.find(({ start }) => start === from);
}

/** Customers are told apart by their ids, which are personal: whoever asks for them must be allowed to see them. */
async function predictionsOf(stage: Stage, day: Day): Promise<readonly Prediction[]> {
  const { production } = await environmentNames(stage);
  const found: Prediction[] = [];
  let after: string | undefined;
  do {
    const page: Page<Prediction> = await stage.cast.steward.get<Page<Prediction>>('predictions', {
      environment: production,
      from: new Date(day.start).toISOString(),
      to: new Date(day.end).toISOString(),
      limit: 500,
      after,
    });
    found.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return found;
}

function inputsOf({ row }: Visit, { inputs }: TrafficColumns): NamedRow {
  return Object.fromEntries(inputs.map((name) => [name, row[name] ?? null]));
}
