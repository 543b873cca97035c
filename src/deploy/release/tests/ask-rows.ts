import type { NamedRow, PredictAnswer } from '#contract';
import type { PlaneClient } from '../plane-client.ts';
import { batchesOf } from './batches.ts';
import type { Prediction } from './said.ts';

export interface Asking {
  readonly client: PlaneClient;
  readonly rowsInRequest: number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** An answer; or that a row is said to be wrong (4xx); or that it was not answered. */
export type Answered = Prediction | 'refused' | 'failed';

/** Too many requests: a limit of the endpoint, which rows that are asked one by one may meet. */
const tooMany = 429;
const waitMs = 500;
const mostWaits = 20;

/** What each row is answered. One bad row has its whole request refused: the rows of such a request are asked one by one. */
export async function askRows(asking: Asking, rows: readonly NamedRow[]): Promise<readonly Answered[]> {
  const answers: Answered[] = [];
  for (const batch of batchesOf(rows, asking.rowsInRequest)) answers.push(...(await askTogether(asking, batch)));
  return answers;
}

async function askTogether(asking: Asking, rows: readonly NamedRow[]): Promise<readonly Answered[]> {
  const { status, predictions } = await asked(asking, rows);
  if (predictions !== undefined) return predictions;
  const isRefused = status >= 400 && status < 500 && status !== tooMany;
  if (!isRefused || rows.length === 1) return rows.map(() => (isRefused ? 'refused' : 'failed'));
  const alone: Answered[] = [];
  for (const row of rows) alone.push(...(await askTogether(asking, [row])));
  return alone;
}

/** Being told to come later says nothing of the rows. */
async function asked(
  { client, sleep }: Asking,
  rows: readonly NamedRow[],
): Promise<{ readonly status: number; readonly predictions?: readonly Prediction[] }> {
  for (let waits = 0; ; waits++) {
    try {
      const { status, body } = await client.ask(rows);
      if (status === tooMany && waits < mostWaits) {
        await sleep(waitMs);
        continue;
      }
      const predictions = status === 200 ? (body as PredictAnswer).predictions : [];
      return { status, ...(predictions.length === rows.length ? { predictions } : {}) };
    } catch {
      return { status: 0 };
    }
  }
}
