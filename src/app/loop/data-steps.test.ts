import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { EventTypes, PipelineRun } from '#contract';
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

/** The steps of data over a folder, and a way to run them for `people`. */
async function opened(): Promise<
  AsyncDisposable & {
    readonly write: (file: string, text: string) => Promise<string>;
    readonly ingest: (dataset: string, path: string) => Promise<unknown>;
    /** @param personal the columns that the charter names @returns how each step of people went */
    readonly run: (personal: string) => Promise<Readonly<Record<string, PipelineRun['steps'][number]>>>;
  }
> {
  const root = await mkdtemp(join(tmpdir(), 'gyre-data-steps-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(root, { recursive: true }));
  const store = stack.use(await openStore({ url: `sqlite:${join(root, 'gyre.db')}` }));
  await store.migrate([eventsMigrations, dataMigrations, pipelinesMigrations]);
  const newId = countingIds('id');
  const events = stack.use(openEvents<EventTypes>({ store, clock: systemClock, newId, source: '/gyre/test' }));
  const blobs = await openFsBlobs({ dir: join(root, 'blobs') });
  const data = openData({ store, blobs, events, clock: systemClock, newId, temporary: root });
  const pipelines = stack.use(openPipelines({ store, events, clock: systemClock, newId, owner: 'a' }));
  let project: LoadedProject | undefined;
  for (const step of dataSteps({ data, blobs, project: () => project ?? assert.fail('no project') })) pipelines.register(step);
  const disposables = stack.move();
  const write = async (file: string, text: string): Promise<string> => {
    await writeFile(join(root, file), text);
    return join(root, file);
  };
  return {
    write,
    ingest: (dataset, path) => data.ingest({ dataset, path, by }),
    run: async (personal) => {
      await write('gyre.yaml', projectText(personal));
      project = await loadProject(root);
      const steps = (await buildPlan(project)).filter(({ name }) => name === 'ingest:people' || name === 'quality:people');
      const { id } = await pipelines.submit({ pipeline: 'test', reason: 'a test', by, parameters: {}, steps });
      return Object.fromEntries((await pipelines.wait(id)).steps.map((step) => [step.step, step]));
    },
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  };
}

describe('the steps of a dataset', () => {
  test('its quality is reused until the population has a newer version, or the charter calls a column personal', async () => {
    await using steps = await opened();
    const census = async (text: string): Promise<unknown> => steps.ingest('census', await steps.write('census.csv', text));
    const quality = async (personal: string): Promise<string> => (await steps.run(personal))['quality:people'].state;
    await steps.write('people.csv', table(0));
    await census(table(1));
    assert.equal(await quality(''), 'succeeded');
    assert.equal(await quality(''), 'cached');
    await census(table(500));
    assert.equal(await quality(''), 'succeeded', 'a newer population');
    assert.equal(await quality(''), 'cached');
    assert.equal(await quality('x'), 'succeeded', 'a column that must not be shown');
    assert.equal(await quality('x'), 'cached');
  });

  test('its ingestion names what looks personal until somebody has said whether it is', async () => {
    await using steps = await opened();
    await steps.ingest('census', await steps.write('census.csv', table(1)));
    const mails = Array.from({ length: 60 }, (_, i) => `${i},user${i}@example.org`).join('\n');
    await steps.write('people.csv', `id,x\n${mails}\n`);
    assert.match(
      (await steps.run(''))['ingest:people'].summary ?? '',
      /; looks personal, and is masked until the schema says whether it is: x$/,
    );
    await steps.write('people.csv', `id,x\n${mails}\n60,user60@example.org\n`);
    assert.doesNotMatch((await steps.run('x'))['ingest:people'].summary ?? '', /personal/);
  });
});
