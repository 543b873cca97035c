import type { Exchange, Inference, Inferred, Lease, Outliers } from '#serving';
import { soonest } from './decode.ts';
import type { DecodedRequest, WantedOutput } from './decode.ts';
import { inferWithOutliers } from './outlier-outputs.ts';

/** What a request asks of a model. @param timeoutMs how long its caller waits, as its transport says it */
export function inferenceOf(
  request: DecodedRequest,
  timeoutMs: number | undefined,
  { receivedMs, note }: Pick<Exchange, 'receivedMs' | 'note'>,
): Inference {
  const { feeds, images, eventTime, keys, timeoutMs: soonestMs } = soonest(request, timeoutMs);
  return {
    feeds,
    receivedMs,
    note,
    ...(images === undefined ? undefined : { images }),
    ...(eventTime === undefined ? undefined : { eventTime }),
    ...(keys === undefined ? undefined : { keys }),
    ...(soonestMs === undefined ? undefined : { timeoutMs: soonestMs }),
  };
}

/**
 * For a model that does not answer at once.
 * @param isBinary whether outlier scores come as bytes, where they are wanted
 */
export async function inferLater<A>(
  outliers: Outliers | undefined,
  lease: Lease,
  { feeds, outputs, outlier }: DecodedRequest,
  inference: Inference,
  isBinary: boolean,
  answer: (inferred: Inferred, wanted: readonly WantedOutput[]) => A,
): Promise<A> {
  if (!outlier) return answer(await lease.infer(inference), outputs);
  const { inferred, wanted } = await inferWithOutliers(outliers, lease.model, { feeds, outputs, isBinary }, () => lease.infer(inference));
  return answer(inferred, wanted);
}
