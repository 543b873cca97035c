import type { JSX } from 'preact';
import type { Backup, BackupList } from '#contract';
import { send } from '../lib/api.ts';
import { bytes, counted, duration, number } from '../lib/format.ts';
import { useResource } from '../lib/resource.ts';
import { useReloadWhile } from '../lib/use-polled.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Load } from '../parts/page.tsx';
import { WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, When } from '../parts/values.tsx';

const kept = 7;

/** The backups that the platform has made, and the buttons that make, check and remove one. */
export function BackupsCard(): JSX.Element {
  const list = useResource<BackupList>('backups', ['backup.']);
  const busy = list.data?.items.find(({ state }) => state === 'running' || state === 'verifying');
  const isBusy = busy !== undefined;
  useReloadWhile(isBusy, list.reload);
  const missing = isBusy ? [busy.state === 'running' ? 'a backup is being made' : 'a backup is being checked'] : [];
  const make = (body: { readonly keep?: number }) => async (): Promise<void> => {
    await send('POST', 'backups', body);
    list.reload();
  };
  return (
    <Card title="Backups" wide says="Records, blobs and secrets as they were at one instant, made while everything goes on.">
      <div class="actions">
        <Action
          label="Back up now"
          permission="administer"
          missing={missing}
          explain={
            <p>
              Copies all records, blobs and secrets to <code>{list.data?.folder}</code>; blobs that an earlier backup has are not copied
              again. All earlier backups stay.
            </p>
          }
          act={make({})}
        />
        <Action
          label={`Back up, keep ${kept}`}
          permission="administer"
          missing={missing}
          explain={
            <p>As “Back up now”; once it is whole, older backups than the newest {kept} go, with the blobs that no other one needs.</p>
          }
          act={make({ keep: kept })}
        />
      </div>
      <Load of={list} what="The backups">
        {({ folder, besideData, items }) => (
          <>
            {besideData && (
              <p class="says tone-warn">
                They are on the very disk that the data are on. <code>GYRE_BACKUPS</code> names a folder on another.
              </p>
            )}
            {items.length === 0 ? (
              <Empty title="No backup yet.">
                <Command>gyre backup</Command> makes one in <code>{folder}</code> as the button does, and{' '}
                <Command>{`gyre restore ${folder}`}</Command> makes a platform of it.
              </Empty>
            ) : (
              <BackupTable items={items} missing={missing} reload={list.reload} />
            )}
          </>
        )}
      </Load>
    </Card>
  );
}

function BackupTable({
  items,
  missing,
  reload,
}: {
  readonly items: readonly Backup[];
  readonly missing: readonly string[];
  readonly reload: () => void;
}): JSX.Element {
  return (
    <Table
      name="backups"
      caption="Backups"
      rows={items}
      rowKey={({ id }) => id}
      columns={[
        { key: 'at', head: 'Of', value: ({ startedAt }) => startedAt, cell: ({ startedAt }) => <When at={startedAt} /> },
        {
          key: 'state',
          head: 'State',
          value: ({ state }) => state,
          cell: ({ state, error, damaged }) => (
            <>
              <WordState word={state} />
              {damaged !== undefined && <span class="tone-bad"> {counted(damaged.length, 'file')} with other bytes</span>}
              {error !== undefined && <span class="tone-bad"> {error}</span>}
            </>
          ),
        },
        {
          key: 'database',
          head: 'Records',
          value: ({ database }) => database,
          cell: ({ databaseBytes }) => (databaseBytes === undefined ? '—' : bytes(databaseBytes)),
        },
        { key: 'blobs', head: 'Blobs', number: true, value: ({ blobs }) => blobs, cell: ({ blobs }) => number(blobs, 0) },
        { key: 'bytes', head: 'Size of blobs', number: true, value: ({ bytes: size }) => size, cell: ({ bytes: size }) => bytes(size) },
        {
          key: 'took',
          head: 'Took',
          number: true,
          value: ({ startedAt, endedAt }) => (endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(startedAt)),
          cell: ({ startedAt, endedAt }) => (endedAt === undefined ? '—' : duration(Date.parse(endedAt) - Date.parse(startedAt))),
        },
        {
          key: 'verified',
          head: 'Checked',
          value: ({ verifiedAt }) => verifiedAt,
          cell: ({ verifiedAt }) => (verifiedAt === undefined ? 'never' : <When at={verifiedAt} />),
        },
        {
          key: 'actions',
          head: 'Actions',
          value: () => undefined,
          cell: ({ id, state }) => (
            <div class="actions">
              {(state === 'whole' || state === 'damaged') && (
                <Action
                  label="Check"
                  permission="administer"
                  missing={missing}
                  explain={<p>Reads every byte of this backup and compares it with what it was. That takes as long as reading it all.</p>}
                  act={async () => {
                    await send('POST', `backups/${id}/verify`);
                    reload();
                  }}
                />
              )}
              <Action
                label="Remove"
                permission="administer"
                missing={missing}
                confirmWord="remove"
                explain={<p>Removes this backup for ever, with the blobs that no other backup needs.</p>}
                act={async () => {
                  await send('DELETE', `backups/${id}`);
                  reload();
                }}
              />
            </div>
          ),
        },
      ]}
    />
  );
}
