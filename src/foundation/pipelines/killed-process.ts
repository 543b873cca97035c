import { countingIds, systemClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import { openStore } from '#store';
import type { StoreOptions } from '#store';
import { plan, registerKilledSteps } from './contract.ts';
import { openPipelines, pipelinesMigrations } from './index.ts';

/* A process that runs a pipeline until a test kills it: it prints the run's id while its second step hangs. */
const [, , optionsText, folder] = process.argv;
// The test wrote it: these are the options of its own store.
const options = JSON.parse(optionsText) as StoreOptions;
const store = await openStore(options);
await store.migrate([eventsMigrations, pipelinesMigrations]);
const newId = countingIds(`killed-${process.pid}`);
const events = openEvents({ store, clock: systemClock, newId, source: '/gyre/test' });
const pipelines = openPipelines({ store, events, clock: systemClock, newId, owner: `killed-${process.pid}` });
registerKilledSteps(pipelines, folder, (context) => process.stdout.write(`${context.pipelineRun}\n`));
await pipelines.submit({
  pipeline: 'test',
  reason: 'to be killed',
  by: { identity: 'id-ada', name: 'ada' },
  parameters: {},
  steps: [
    plan('first', 'simple'),
    plan('second', 'hanging', { after: ['first'] }),
    plan('third', 'simple', { after: ['second'], parameters: { x: 3 } }),
  ],
});
setInterval(() => undefined, 60_000);
