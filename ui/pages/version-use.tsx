import type { JSX } from 'preact';
import type { AuditEntry, Deployment, ModelVersion } from '#contract';
import { wordsOf } from '../lib/event-words.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, type Resource, useResource } from '../lib/resource.ts';
import { Card, Load } from '../parts/page.tsx';
import { WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { When, Who } from '../parts/values.tsx';

/** Where a version serves and has served, and what it has predicted there. */
export function UsedWhere({
  version,
  deployments,
}: {
  readonly version: ModelVersion;
  readonly deployments: Resource<PageOf<Deployment>>;
}): JSX.Element {
  return (
    <Card
      title="Who uses it where"
      wide
      says={version.aliases.length === 0 ? 'No alias names it.' : `Named by ${version.aliases.map((alias) => `@${alias}`).join(', ')}.`}
      aside={<a href={`/predictions?version=${encodeURIComponent(version.id)}`}>Its predictions</a>}
    >
      <Load of={deployments} what="The deployments">
        {({ items }) =>
          items.length === 0 ? (
            <p class="quiet">No environment has served it.</p>
          ) : (
            <Table
              name="deployments"
              caption={`Deployments of ${version.model} version ${version.version}`}
              rows={items}
              rowKey={({ id }) => id}
              href={({ id }) => recordPath('deployment', id)}
              filterable={false}
              columns={[
                {
                  key: 'environment',
                  head: 'Environment',
                  value: ({ environment }) => environment,
                  cell: ({ id, environment }) => <a href={recordPath('deployment', id)}>{environment}</a>,
                },
                { key: 'endpoint', head: 'Endpoint', value: ({ endpoint }) => endpoint },
                { key: 'generation', head: 'Generation', number: true, value: ({ generation }) => generation },
                { key: 'state', head: 'State', value: ({ state }) => state, cell: ({ state }) => <WordState word={state} /> },
                { key: 'since', head: 'Since', value: ({ deployedAt }) => deployedAt, cell: ({ deployedAt }) => <When at={deployedAt} /> },
                {
                  key: 'until',
                  head: 'Until',
                  value: ({ endedAt }) => endedAt,
                  cell: ({ endedAt, state }) =>
                    endedAt === undefined ? <span>{state === 'live' ? 'now' : '—'}</span> : <When at={endedAt} />,
                },
                { key: 'by', head: 'By', value: ({ deployedBy }) => deployedBy.name, cell: ({ deployedBy }) => <Who actor={deployedBy} /> },
                { key: 'reason', head: 'Reason', value: ({ reason }) => reason },
              ]}
            />
          )
        }
      </Load>
    </Card>
  );
}

/** Every change of the version, by whom: what the audit log has of it. */
export function ChangeLog({ version }: { readonly version: ModelVersion }): JSX.Element {
  const entries = useResource<PageOf<AuditEntry>>(`audit?first=newest&limit=200&subject=${encodeURIComponent(version.id)}`, [
    'model_version.',
    'gate.',
    'reproduction.',
  ]);
  return (
    <Card title="What happened to it" wide says="Newest first, from the audit log.">
      <Load of={entries} what="The change log">
        {({ items }) =>
          items.length === 0 ? (
            <p class="quiet">Nothing since it was registered.</p>
          ) : (
            <Table
              name="changes"
              caption={`Changes of ${version.model} version ${version.version}`}
              rows={items}
              rowKey={({ position }) => String(position)}
              href={({ position }) => `/audit?entry=${position}`}
              filterable={false}
              columns={[
                {
                  key: 'time',
                  head: 'When',
                  value: ({ time }) => time,
                  cell: ({ time, position }) => (
                    <a href={`/audit?entry=${position}`}>
                      <When at={time} />
                    </a>
                  ),
                },
                { key: 'what', head: 'What', value: ({ action, data }) => wordsOf({ type: action, data }).text },
                { key: 'who', head: 'Who', value: ({ actor }) => actor.name, cell: ({ actor }) => <Who actor={actor} /> },
                { key: 'reason', head: 'Reason', value: ({ reason }) => reason ?? '' },
              ]}
            />
          )
        }
      </Load>
    </Card>
  );
}
