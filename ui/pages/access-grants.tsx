import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { DefaultLevel, Experiment, Grant, GrantLevel, GuardedKind, GuardedRecord } from '#contract';
import { send } from '../lib/api.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { may } from '../lib/session.ts';
import { Action } from '../parts/action.tsx';
import { Card, Load } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, When } from '../parts/values.tsx';

const levels: readonly GrantLevel[] = ['READ', 'USE', 'EDIT', 'MANAGE', 'DENY', 'NO_PERMISSIONS'];
const words: Readonly<Record<DefaultLevel, string>> = {
  ROLES: 'what roles say',
  NO_PERMISSIONS: 'nothing',
  READ: 'reading (READ)',
  USE: 'reading and using (USE)',
  EDIT: 'reading and writing (EDIT)',
  MANAGE: 'everything (MANAGE)',
};

/** A record as a person reads it. */
export function nameOfRecord({ kind, record }: GuardedRecord, experiments: readonly Experiment[]): string {
  if (record === '*') return `every ${kind === 'experiment' ? 'experiment' : 'model'}`;
  return (kind === 'experiment' ? experiments.find(({ id }) => id === record)?.name : undefined) ?? record;
}

/** What was granted on single experiments and models: to everybody for an admin, else to who looks. */
export function GrantsCard(): JSX.Element {
  const grants = useResource<PageOf<Grant> & { readonly default: DefaultLevel }>('grants?limit=500', ['grant.', 'identity.']);
  const experiments = useResource<PageOf<Experiment>>('experiments?limit=500', ['experiment.']);
  const nameOf = (grant: GuardedRecord): string => nameOfRecord(grant, experiments.data?.items ?? []);
  return (
    <Card
      title={may('administer') ? 'Permissions on single records' : 'Your permissions on single records'}
      wide
      says="Within what roles allow. Runs, logged models and artifacts follow their experiment, versions their model."
      aside={<NewGrant experiments={experiments.data?.items ?? []} />}
    >
      <Load of={grants} what="The permissions">
        {({ items, default: usual }) => (
          <>
            <p>
              Where nothing was granted, {words[usual]} holds. <Command>GYRE_DEFAULT_PERMISSION</Command> sets it.
            </p>
            {items.length === 0 ? (
              <p class="quiet">Nothing was granted on a single record.</p>
            ) : (
              <Table
                name="grants"
                caption="Permissions on single records"
                rows={items}
                rowKey={({ kind, record, identity }) => `${kind} ${record} ${identity}`}
                columns={[
                  {
                    key: 'identity',
                    head: 'Who',
                    value: ({ identityName }) => identityName,
                    cell: ({ identity, identityName }) => <a href={recordPath('identity', identity)}>{identityName}</a>,
                  },
                  {
                    key: 'level',
                    head: 'May',
                    value: ({ level }) => level,
                    cell: ({ level }) => <State tone={level === 'DENY' || level === 'NO_PERMISSIONS' ? 'bad' : 'good'}>{level}</State>,
                  },
                  { key: 'kind', head: 'On', value: ({ kind }) => (kind === 'experiment' ? 'experiment' : 'model') },
                  {
                    key: 'record',
                    head: 'Record',
                    value: nameOf,
                    cell: (grant) =>
                      grant.record === '*' ? (
                        nameOf(grant)
                      ) : (
                        <a href={recordPath(grant.kind === 'experiment' ? 'experiment' : 'model', grant.record)}>{nameOf(grant)}</a>
                      ),
                  },
                  { key: 'at', head: 'Granted', value: ({ grantedAt }) => grantedAt, cell: ({ grantedAt }) => <When at={grantedAt} /> },
                  {
                    key: 'act',
                    head: 'Change',
                    value: () => '',
                    cell: (grant) => (
                      <Action
                        label="Revoke"
                        permission="log"
                        explain={
                          <p>
                            {grant.identityName} has on {nameOf(grant)} from then on what holds for everybody: {words[usual]}.
                          </p>
                        }
                        act={() =>
                          send(
                            'DELETE',
                            `grants?${new URLSearchParams({ kind: grant.kind, record: grant.record, identity: grant.identity }).toString()}`,
                          )
                        }
                      />
                    ),
                  },
                ]}
              />
            )}
          </>
        )}
      </Load>
    </Card>
  );
}

function NewGrant({ experiments }: { readonly experiments: readonly Experiment[] }): JSX.Element {
  const [identity, setIdentity] = useState('');
  const [kind, setKind] = useState<GuardedKind>('experiment');
  const [record, setRecord] = useState('');
  const [level, setLevel] = useState<GrantLevel>('READ');
  const known = experiments.find(({ name }) => name === record)?.id ?? record;
  return (
    <Action
      label="Grant"
      permission="log"
      explain={
        <>
          <label class="field">
            <span>Who</span>
            <input value={identity} onInput={(event) => setIdentity(event.currentTarget.value)} autocomplete="off" required />
          </label>
          <GrantFields {...{ kind, setKind, record, setRecord, level, setLevel }} />
        </>
      }
      act={() => send('PUT', 'grants', { identity, kind, level, record: kind === 'experiment' ? known : record })}
    />
  );
}

/** Asks for a level and the record that it is granted on. */
export function GrantFields(props: {
  readonly level: GrantLevel;
  readonly setLevel: (level: GrantLevel) => void;
  readonly kind: GuardedKind;
  readonly setKind: (kind: GuardedKind) => void;
  readonly record: string;
  readonly setRecord: (record: string) => void;
}): JSX.Element {
  const { level, setLevel, kind, setKind, record, setRecord } = props;
  return (
    <>
      <label class="field">
        <span>May</span>
        <select value={level} onChange={(event) => setLevel(levels.find((one) => one === event.currentTarget.value) ?? 'READ')}>
          {levels.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>On</span>
        <select value={kind} onChange={(event) => setKind(event.currentTarget.value === 'experiment' ? 'experiment' : 'registered_model')}>
          <option value="experiment">an experiment</option>
          <option value="registered_model">a registered model</option>
        </select>
      </label>
      <label class="field">
        <span>Its name (* is every one)</span>
        <input value={record} onInput={(event) => setRecord(event.currentTarget.value)} autocomplete="off" required />
      </label>
    </>
  );
}
