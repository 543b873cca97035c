import type { Overview, Station } from '#contract';
import type { Rooms } from '../port.ts';
import { dataStation, testStation, trainingStation } from './build-stations.ts';
import { certificateStation, releaseStation } from './deploy-stations.ts';
import { gatherFacts } from './facts.ts';
import type { LoopFacts } from './facts.ts';
import { actionStation, liveStation } from './monitor-stations.ts';
import { waitingOf } from './waiting.ts';

/** Every model's loop, station by station, and what waits for somebody: all that the first page shows. */
export async function overviewOf(rooms: Rooms): Promise<Overview> {
  const { registry, events, project } = rooms;
  // Read first: what happens while the picture is drawn is told again by the stream.
  const position = await events.lastPosition();
  const { resolved } = project.current();
  const { items: models } = await registry.listModels({ limit: 50 });
  const names = models.length === 0 ? [resolved.serve.endpoint] : models.map(({ name }) => name);
  const all = await Promise.all(names.map((model) => gatherFacts(rooms, model)));
  // Before the first version there is something to show as soon as data are there or a pipeline runs.
  const shown = models.length === 0 ? all.filter(({ dataset, pipeline }) => dataset !== undefined || pipeline !== undefined) : all;
  return {
    project: resolved.project,
    description: resolved.description,
    models: await Promise.all(
      shown.map(async (facts) => {
        const candidate = models.length === 0 ? undefined : await registry.aliased(facts.model, 'candidate');
        return {
          model: facts.model,
          ...(facts.champion === undefined ? {} : { champion: facts.champion.version }),
          ...(candidate === undefined ? {} : { candidate: candidate.version }),
          stations: stationsOf(
            facts,
            resolved.success.map(({ metric }) => metric),
          ),
        };
      }),
    ),
    waiting: shown.flatMap((facts) => [...waitingOf(facts)]),
    position,
  };
}

function stationsOf(facts: LoopFacts, metrics: readonly string[]): Station[] {
  return [
    dataStation(facts),
    trainingStation(facts, metrics),
    testStation(facts),
    certificateStation(facts),
    releaseStation(facts),
    liveStation(facts),
    actionStation(facts),
  ];
}
