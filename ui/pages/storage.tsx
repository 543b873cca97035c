import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { BlobStorage, GarbageSweep, LfsLock, LfsRepository } from '#contract';
import { send } from '../lib/api.ts';
import { bytes, counted, duration, number } from '../lib/format.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, DigestText, When, Who } from '../parts/values.tsx';
import { BackupsCard } from './backups-card.tsx';

const amount = ({ count, bytes: size }: GarbageSweep['garbage']): string =>
  count === 0 ? 'none' : size === 0 ? number(count, 0) : `${number(count, 0)}, ${bytes(size)}`;

/** What is kept: Git LFS repositories, and what may go because nothing refers to it. */
export function StoragePage(): JSX.Element {
  const sweeps = useResource<PageOf<GarbageSweep>>('garbage-sweeps', ['garbage.']);
  const repositories = useResource<PageOf<LfsRepository>>('lfs-repositories', ['lfs_']);
  const storage = useResource<BlobStorage>('blob-storage', ['garbage.']);
  const [newest] = sweeps.data?.items ?? [];
  const isRunning = newest?.state === 'running';
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(sweeps.reload, 1000);
    return () => clearInterval(timer);
  }, [isRunning, sweeps.reload]);
  const begin =
    (apply: boolean, what: GarbageSweep['what'] = 'blobs') =>
    async (): Promise<void> => {
      await send('POST', 'garbage-sweeps', { what, apply });
      sweeps.reload();
    };
  const dryRunOf = (what: GarbageSweep['what']): GarbageSweep | undefined => {
    const last = sweeps.data?.items.find((sweep) => sweep.what === what);
    return last !== undefined && !last.apply && last.state === 'finished' ? last : undefined;
  };
  const dry = dryRunOf('blobs');
  return (
    <Page
      title="Storage"
      crumbs={[{ text: 'Data', href: '/data' }]}
      truth={<p>Bytes are kept by their digest, each once. What no record refers to is garbage, and goes only when somebody says so.</p>}
      actions={
        <>
          <Action
            label="Look for garbage"
            permission="erase"
            primary
            missing={isRunning ? ['a collection is running'] : []}
            explain={<p>A dry run: lists the blobs that no record refers to and that are older than a day. It deletes nothing.</p>}
            act={begin(false)}
          />
          <Action
            label="Delete garbage"
            permission="erase"
            missing={[
              ...(isRunning ? ['a collection is running'] : []),
              ...(dry === undefined ? ['look for garbage first: a finished dry run shows what would go'] : []),
              ...(dry !== undefined && dry.garbage.count === 0 ? ['the newest dry run found none'] : []),
            ]}
            confirmWord="delete"
            explain={
              <p>
                Deletes what no record refers to and what is older than a day, for ever. The newest dry run found{' '}
                <b>{dry === undefined ? '—' : amount(dry.garbage)}</b>; each blob is looked up once more before it goes.
              </p>
            }
            act={begin(true)}
          />
        </>
      }
    >
      <div class="cards">
        <Card title="Garbage" wide says="The collections since the platform was started, the newest first.">
          <Load of={sweeps} what="The collections">
            {({ items }) =>
              items.length === 0 ? (
                <Empty title="No garbage collection ran yet.">
                  <Command>gyre gc</Command> looks for garbage as the button does, and deletes none without <code>--apply</code>.
                </Empty>
              ) : (
                <>
                  {items.map((sweep, index) => (
                    <Sweep key={sweep.id} sweep={sweep} open={index === 0} reload={sweeps.reload} />
                  ))}
                </>
              )
            }
          </Load>
        </Card>
        <Card title="Blobs" says="Where bytes are kept, and whether they are encrypted there.">
          <Load of={storage} what="The blobs">
            {({ address, key, sealed, clear }) => (
              <Facts
                facts={[
                  ['Kept in', <code>{address}</code>],
                  [
                    'Encrypted with',
                    key === undefined ? (
                      <>
                        nothing: a key in <code>GYRE_BLOBS_KEY</code> seals what is stored from then on
                      </>
                    ) : (
                      <>
                        key <code>{key}</code>
                      </>
                    ),
                  ],
                  ['Sealed', amount(sealed)],
                  ['In clear', amount(clear)],
                  key !== undefined && clear.count > 0 ? ['To seal them', <Command>gyre blobs seal</Command>] : undefined,
                ]}
              />
            )}
          </Load>
        </Card>
        {(['cache', 'runs'] as const).map((what) => (
          <CollectCard
            key={what}
            words={collected[what]}
            dry={dryRunOf(what)}
            isRunning={isRunning}
            begin={(apply) => begin(apply, what)}
          />
        ))}
        <BackupsCard />
        <Card title="Git LFS" wide says="Repositories that Git LFS has pushed to.">
          <Load of={repositories} what="The repositories">
            {({ items }) =>
              items.length === 0 ? (
                <Empty title="No repository was pushed yet.">
                  In a git repository, <Command>gyre lfs connect NAME</Command> has Git LFS keep its files here.
                </Empty>
              ) : (
                <>
                  <Repositories items={items} />
                  {items.map(({ repository }) => (
                    <Locks key={repository} repository={repository} />
                  ))}
                </>
              )
            }
          </Load>
        </Card>
      </div>
    </Page>
  );
}

/** How the cards say what they collect. */
const collected = {
  cache: {
    title: 'The workspace’s cache',
    says: 'Objects that no .dvc file, no commit and no dataset version names.',
    look: 'Look in the cache',
    delete: 'Delete from the cache',
    found: 'the objects that nothing names and that are older than a day',
    gone: 'objects that nothing names, for ever',
    rest: 'Remotes stay as they are.',
  },
  runs: {
    title: 'Deleted runs',
    says: 'Runs, logged models and experiments that were deleted more than thirty days ago, and that no model version needs.',
    look: 'Look for deleted runs',
    delete: 'Delete them for good',
    found: 'what was deleted more than thirty days ago',
    gone: 'it for good, with its metrics and the names of its files',
    rest: 'The bytes of the files go with the next collection of blobs.',
  },
} as const;

/** What is collected on its own: looked for first, then deleted. */
function CollectCard({
  words,
  dry,
  isRunning,
  begin,
}: {
  readonly words: (typeof collected)[keyof typeof collected];
  readonly dry: GarbageSweep | undefined;
  readonly isRunning: boolean;
  readonly begin: (apply: boolean) => () => Promise<void>;
}): JSX.Element {
  const running = isRunning ? ['a collection is running'] : [];
  return (
    <Card title={words.title} says={words.says}>
      <div class="actions">
        <Action
          label={words.look}
          permission="erase"
          missing={running}
          explain={<p>A dry run: lists {words.found}. It deletes nothing.</p>}
          act={begin(false)}
        />
        <Action
          label={words.delete}
          permission="erase"
          missing={[
            ...running,
            ...(dry === undefined ? [`“${words.look}” comes first: a finished dry run shows what would go`] : []),
            ...(dry !== undefined && dry.garbage.count === 0 ? ['the newest dry run found none'] : []),
          ]}
          confirmWord="delete"
          explain={
            <p>
              Deletes {words.gone}. The newest dry run found <b>{dry === undefined ? '—' : amount(dry.garbage)}</b>. {words.rest}
            </p>
          }
          act={begin(true)}
        />
      </div>
    </Card>
  );
}

const sweptWords: Readonly<Record<GarbageSweep['what'], { readonly of: string; readonly head: string; readonly referred: string }>> = {
  blobs: { of: '', head: 'Blob', referred: 'digest' },
  cache: { of: ' of the workspace’s cache', head: 'Object', referred: 'path' },
  runs: { of: ' of deleted runs', head: 'Record', referred: 'record' },
};

function Sweep({
  sweep,
  open,
  reload,
}: {
  readonly sweep: GarbageSweep;
  readonly open: boolean;
  readonly reload: () => void;
}): JSX.Element {
  const { id, what, apply, state, phase, referred, looked, kept, young, garbage, deleted, items, error, startedAt, endedAt } = sweep;
  const title = `${apply ? 'Deletion' : 'Dry run'}${sweptWords[what].of}, ${amount(apply ? deleted : garbage)}`;
  return (
    <details open={open} class="sweep">
      <summary>
        {title} <WordState word={state} /> <When at={startedAt} />
      </summary>
      <Facts
        facts={[
          ['Phase', phase],
          ['Referred to', `${counted(referred, sweptWords[what].referred)}${what === 'cache' ? ' of dataset versions' : ''}`],
          ['Looked at', amount(looked)],
          ['In use', amount(kept)],
          ['Too young', amount(young)],
          ['Garbage', amount(garbage)],
          ['Deleted', amount(deleted)],
          error === undefined ? undefined : ['Error', <span class="tone-bad">{error}</span>],
          endedAt === undefined ? undefined : ['Took', duration(Date.parse(endedAt) - Date.parse(startedAt))],
        ]}
      />
      {state === 'running' && (
        <Action
          label="Stop"
          permission="erase"
          explain={<p>Stops this collection; what is deleted stays so.</p>}
          act={async () => {
            await send('DELETE', `garbage-sweeps/${id}`);
            reload();
          }}
        />
      )}
      {items.length > 0 && (
        <Table
          name={`garbage-${id.slice(-6)}`}
          caption={apply ? 'What went' : 'What would go'}
          rows={items}
          rowKey={({ digest, object, record }) => digest ?? object ?? record ?? ''}
          columns={[
            {
              key: 'digest',
              head: sweptWords[what].head,
              value: ({ digest, object, name, record }) => digest ?? object ?? name ?? record,
              cell: ({ kind, digest, object, record, name }) =>
                digest !== undefined ? (
                  <DigestText digest={digest} />
                ) : record === undefined ? (
                  <code>{object}</code>
                ) : (
                  `${kind.replace('_', ' ')} ${name ?? record}`
                ),
            },
            { key: 'bytes', head: 'Size', number: true, value: ({ bytes: size }) => size, cell: ({ bytes: size }) => bytes(size) },
            { key: 'since', head: 'Since', value: ({ since }) => since, cell: ({ since }) => <When at={since} /> },
            { key: 'why', head: 'Why', value: ({ why }) => why, cell: ({ why }) => <span class="prose">{why}</span> },
          ]}
        />
      )}
      <RawJson value={sweep} />
    </details>
  );
}

function Repositories({ items }: { readonly items: readonly LfsRepository[] }): JSX.Element {
  return (
    <Table
      name="repositories"
      caption="Git LFS repositories"
      rows={items}
      rowKey={({ repository }) => repository}
      columns={[
        { key: 'repository', head: 'Repository', value: ({ repository }) => repository },
        { key: 'objects', head: 'Objects', number: true, value: ({ objects }) => objects, cell: ({ objects }) => number(objects, 0) },
        { key: 'bytes', head: 'Size', number: true, value: ({ bytes: size }) => size, cell: ({ bytes: size }) => bytes(size) },
        { key: 'first', head: 'First push', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
        {
          key: 'last',
          head: 'Last push',
          value: ({ lastStoredAt }) => lastStoredAt,
          cell: ({ lastStoredAt }) => <When at={lastStoredAt} />,
        },
      ]}
    />
  );
}

/** Nothing where nothing is locked. */
function Locks({ repository }: { readonly repository: string }): JSX.Element | null {
  const locks = useResource<PageOf<LfsLock>>(`lfs-repositories/${encodeURIComponent(repository)}/locks?limit=100`, ['lfs_']);
  const items = locks.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <Table
      name={`locks-${repository}`}
      caption={`Locked in ${repository}`}
      rows={items}
      rowKey={({ id }) => id}
      columns={[
        { key: 'path', head: 'Path', value: ({ path }) => path },
        { key: 'owner', head: 'Locked by', value: ({ owner }) => owner.name, cell: ({ owner }) => <Who actor={owner} /> },
        { key: 'since', head: 'Since', value: ({ lockedAt }) => lockedAt, cell: ({ lockedAt }) => <When at={lockedAt} /> },
      ]}
    />
  );
}
