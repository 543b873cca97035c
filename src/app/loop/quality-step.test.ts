import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { EventTypes } from '#contract';
import { countingIds, systemClock } from '#core';
import { dataMigrations, openData } from '#data';
import { eventsMigrations, openEvents } from '#events';
import { openPipelines, pipelinesMigrations } from '#pipelines';
import { loadProject } from '#project';
import type { LoadedProject } from '#project';
import { openStore } from '#store';
import { dataSteps } from './data-steps.ts';
import { buildPlan } from './plans.ts';

const by = { identity: 'id-ada', name: 'Ada' };
const table = (from: number): string => `id,x\n${Array.from({ length: 60 }, (_, i) => `${i},${from + i}`).join('\n')}\n`;
const projectText = (personal: string): string => `project: people
charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" }, personalData: { columns: [${personal}], purpose: r, legalBasis: consent } }
data:
  people: { source: people.csv, key: id, quality: { population: census } }
  census: { source: census.csv, key: id }
steps:
  look: { run: "true" }
`;

describe('the quality step of a dataset', () => {
  test('is reused until the population has a newer version, or the charter calls a column personal', async () => {
    const root = await mkdtemp(join(tmpdir(), 'gyre-quality-step-'));
    await using opened = new AsyncDisposableStack();
    opened.defer(() => rm(root, { recursive: true }));
    const store = opened.use(await openStore({ url: `sqlite:${join(root, 'gyre.db')}` }));
    await store.migrate([eventsMigrations, dataMigrations, pipelinesMigrations]);
    const newId = countingIds('id');
    const events = opened.use(openEvents<EventTypes>({ store, clock: systemClock, newId, source: '/gyre/test' }));
    const blobs = await openFsBlobs({ dir: join(root, 'blobs') });
    const data = openData({ store, blobs, events, clock: systemClock, newId, temporary: root });
    const pipelines = opened.use(openPipelines({ store, events, clock: systemClock, newId, owner: 'a' }));
    let project: LoadedProject | undefined;
    for (const step of dataSteps({ data, blobs, project: () => project ?? assert.fail('no project') })) pipelines.register(step);
    const ingestCensus = async (text: string): Promise<void> => {
      await writeFile(join(root, 'census.csv'), text);
      await data.ingest({ dataset: 'census', path: join(root, 'census.csv'), by });
    };
    /** @returns how the quality step of people went */
    const run = async (personal: string): Promise<string | undefined> => {
      await writeFile(join(root, 'gyre.yaml'), projectText(personal));
      project = await loadProject(root);
      const steps = (await buildPlan(project)).filter(({ name }) => name === 'ingest:people' || name === 'quality:people');
      const { id } = await pipelines.submit({ pipeline: 'test', reason: 'a test', by, parameters: {}, steps });
      return (await pipelines.wait(id)).steps.find(({ step }) => step === 'quality:people')?.state;
    };

    await writeFile(join(root, 'people.csv'), table(0));
    await ingestCensus(table(1));
    assert.equal(await run(''), 'succeeded');
    assert.equal(await run(''), 'cached');
    await ingestCensus(table(500));
    assert.equal(await run(''), 'succeeded', 'a newer population');
    assert.equal(await run(''), 'cached');
    assert.equal(await run('x'), 'succeeded', 'a column that must not be shown');
    assert.equal(await run('x'), 'cached');
  });
});
