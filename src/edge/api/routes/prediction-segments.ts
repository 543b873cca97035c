import { Type, type Static } from 'typebox';
import { Name, Prediction, strict } from '#contract';
import type { Actor } from '#contract';
import { GyreError } from '#core';
import type { ApiDeps } from '../port.ts';
import { route, type Route } from '../route.ts';

/** How many predictions are filed at once: a segment with more of them comes in several parts. */
const mostAtOnce = 10_000;
export const segmentBodyLimit = 64 * 1024 * 1024;

/** A part of a prediction log as it is sent. */
export const segmentMembers = {
  segment: Type.String({
    pattern: '^[A-Za-z0-9._-]{1,200}$',
    description: 'names these predictions once and for all, such as its file and part',
  }),
  predictions: Type.Array(Prediction, { maxItems: mostAtOnce }),
  dropped: Type.Optional(
    Type.Integer({ minimum: 0, description: 'answered requests that the data plane removed unread before these, for want of space' }),
  ),
};
const SentSegment = strict({ environment: Name, ...segmentMembers });

/** Files a part of the prediction log of an environment. @throws GyreError NOT_FOUND for an environment that the project has not */
export async function fileSegment(
  { log, metrics, monitoring, project }: Pick<ApiDeps, 'log' | 'metrics' | 'monitoring' | 'project'>,
  { environment, segment, predictions, dropped = 0 }: Static<typeof SentSegment>,
  by: Actor,
): Promise<{ readonly ingested: boolean; readonly rows: number }> {
  const known = project.current().resolved.environments.map(({ name }) => name);
  if (!known.includes(environment))
    throw new GyreError('NOT_FOUND', `there is no environment "${environment}"; there are ${known.map((name) => `"${name}"`).join(', ')}`);
  const filed = await monitoring.ingestSegment({ environment, segment, predictions, by });
  if (filed.ingested && dropped > 0) {
    const lost = metrics.counter({
      name: 'gyre_predictions_dropped_total',
      help: 'answered requests whose log a full data plane removed before it was shipped',
      labels: ['environment'],
    });
    lost.inc({ environment }, dropped);
    log.error({ environment, segment, dropped }, 'a data plane removed a part of its prediction log unread, for want of space');
  }
  return filed;
}

export const predictionSegmentRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/predictions',
    permission: 'log',
    tag: 'monitoring',
    summary: 'Files predictions that a data plane without a connection has logged; a segment that is filed already changes nothing',
    description:
      '`gyre prediction ship` sends what `gyre serve --manifest … --spool FOLDER` left there. A prediction whose id is on record stays as it is.',
    body: SentSegment,
    bodyLimit: segmentBodyLimit,
    answer: strict({ ingested: Type.Boolean(), rows: Type.Integer({ minimum: 0 }) }),
    handle: (rooms, { body, by }) => fileSegment(rooms, body, by),
  }),
];
