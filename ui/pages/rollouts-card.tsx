import type { JSX } from 'preact';
import type { Rollout } from '#contract';
import { percent } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { versionName } from '../lib/versions.ts';
import { Card, Load } from '../parts/page.tsx';
import { WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, When, Who } from '../parts/values.tsx';

/** Rollouts of all environments, the newest first. */
export function RolloutsCard(): JSX.Element {
  const rollouts = useResource<PageOf<Rollout>>('rollouts?limit=200', ['rollout.']);
  return (
    <Card title="Rollouts" wide says="Versions that come, or came, step by step; each step is judged before the next one.">
      <Load of={rollouts} what="The rollouts">
        {({ items }) =>
          items.length === 0 ? (
            <p class="quiet">
              None yet. Say <code>roll: [5%, 25%, 100%]</code> for an environment in gyre.yaml, or{' '}
              <Command>gyre release rollout start MODEL/2 --to production --steps 5%:10m,25%:10m</Command>
            </p>
          ) : (
            <Table
              name="rollouts"
              caption="Rollouts"
              rows={items}
              rowKey={({ id }) => id}
              href={({ id }) => recordPath('rollout', id)}
              columns={[
                {
                  key: 'version',
                  head: 'Version',
                  value: ({ modelVersion }) => versionName(modelVersion),
                  cell: ({ id, modelVersion, environment }) => (
                    <a href={recordPath('rollout', id)}>
                      {versionName(modelVersion)} to {environment}
                    </a>
                  ),
                },
                { key: 'strategy', head: 'Strategy', value: ({ plan }) => plan.strategy },
                { key: 'state', head: 'State', value: ({ state }) => state, cell: ({ state }) => <WordState word={state} /> },
                { key: 'weight', head: 'Share', number: true, value: ({ weight }) => weight, cell: ({ weight }) => percent(weight, 0) },
                {
                  key: 'why',
                  head: 'Why',
                  value: ({ history, reason }) => history.at(-1)?.why ?? reason,
                  cell: ({ history, reason }) => <span class="wrap">{history.at(-1)?.why ?? reason}</span>,
                },
                {
                  key: 'by',
                  head: 'Begun by',
                  value: ({ startedBy }) => startedBy.name,
                  cell: ({ startedBy }) => <Who actor={startedBy} />,
                },
                { key: 'at', head: 'At', value: ({ startedAt }) => startedAt, cell: ({ startedAt }) => <When at={startedAt} /> },
              ]}
            />
          )
        }
      </Load>
    </Card>
  );
}
