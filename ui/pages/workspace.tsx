import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { WorkspaceJob, WorkspaceStatus, WorkspaceVersions, WorkspaceView } from '#contract';
import { send } from '../lib/api.ts';
import { bytes, counted, number } from '../lib/format.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue } from '../lib/router.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Load, Page } from '../parts/page.tsx';
import { State, type Tone } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, When, Who } from '../parts/values.tsx';

type Tracked = WorkspaceView['tracked'][number];
type PathStatus = WorkspaceStatus['items'][number];

const crumbs = [{ text: 'Data', href: '/data' }];
const pollMs = 1000;

const states: Readonly<Record<PathStatus['state'], readonly [Tone, string]>> = {
  clean: ['good', 'clean'],
  modified: ['warn', 'modified'],
  deleted: ['bad', 'deleted'],
  unrecorded: ['waiting', 'not added yet'],
  unknown: ['warn', 'modified; what was recorded is not in the cache'],
};
const jobTones: Readonly<Record<WorkspaceJob['state'], Tone>> = { running: 'waiting', finished: 'good', failed: 'bad', cancelled: 'off' };

/** The files and folders of the project that are versioned beside its code: how they stand, their versions, and the work on them. */
export function WorkspacePage(): JSX.Element {
  const view = useResource<WorkspaceView>('workspace');
  const status = useResource<WorkspaceStatus>('workspace/status');
  const jobs = useResource<PageOf<WorkspaceJob>>('workspace/jobs', ['workspace_job.']);
  const running = jobs.data?.items.some(({ state }) => state === 'running') === true;
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(jobs.reload, pollMs);
    return () => {
      clearInterval(timer);
      // What a job has done shows in the folder.
      view.reload();
      status.reload();
    };
  }, [running]);
  const begin = async (verb: WorkspaceJob['verb'], paths: readonly string[] = []): Promise<void> => {
    await send('POST', 'workspace/jobs', { verb, paths });
    jobs.reload();
    view.reload();
    status.reload();
  };
  const shown = queryValue('path');
  return (
    <Page
      title="Workspace"
      crumbs={crumbs}
      truth={<p>Files and folders of the project, versioned in DVC’s formats: git keeps the .dvc files, the cache their bytes.</p>}
    >
      <Load of={view} what="The workspace">
        {({ tracked, remotes }) =>
          tracked.length === 0 ? (
            <Empty title="No file or folder is tracked yet.">
              <Command>gyre data add PATH</Command> puts one into the cache and writes a .dvc file beside it.
            </Empty>
          ) : (
            <div class="cards">
              <Card title="Tracked files and folders" wide>
                <TrackedTable tracked={tracked} status={status.data} />
                <Actions tracked={tracked} remotes={remotes} begin={begin} />
              </Card>
              <Load of={status} what="The status">
                {({ items }) => <ChangedPaths items={items} />}
              </Load>
              {shown !== undefined && <Versions path={shown} />}
              <Card title="Remotes">
                {remotes.length === 0 ? (
                  <p class="quiet">
                    None. <Command>gyre data remote add --default NAME URL</Command> adds one.
                  </p>
                ) : (
                  <ul>
                    {remotes.map(({ name, url, isDefault }) => (
                      <li key={name}>
                        <b>{name}</b> {url} {isDefault && <span class="quiet">the default</span>}
                      </li>
                    ))}
                  </ul>
                )}
              </Card>
              <Card title="Jobs" wide says="Since the platform was started. The newest come first.">
                <Load of={jobs} what="The jobs">
                  {({ items }) => <Jobs items={items} reload={jobs.reload} />}
                </Load>
              </Card>
            </div>
          )
        }
      </Load>
    </Page>
  );
}

function TrackedTable({
  tracked,
  status,
}: {
  readonly tracked: readonly Tracked[];
  readonly status: WorkspaceStatus | undefined;
}): JSX.Element {
  const statusOf = (path: string): PathStatus | undefined => status?.items.find((each) => each.path === path);
  const versionsOf = (path: string): string => `/workspace?path=${encodeURIComponent(path)}`;
  return (
    <Table
      name="tracked"
      caption="Tracked files and folders"
      rows={tracked}
      rowKey={({ path }) => path}
      columns={[
        {
          key: 'path',
          head: 'Path',
          value: ({ path }) => path,
          cell: ({ path, isFolder }) => <a href={versionsOf(path)}>{isFolder ? `${path}/` : path}</a>,
        },
        {
          key: 'state',
          head: 'State',
          value: ({ path }) => statusOf(path)?.state ?? '',
          cell: ({ path }) => <PathState of={statusOf(path)} />,
        },
        { key: 'files', head: 'Files', number: true, value: ({ files = 1 }) => files, cell: ({ files = 1 }) => number(files, 0) },
        {
          key: 'size',
          head: 'Size',
          number: true,
          value: ({ size = 0 }) => size,
          cell: ({ size }) => (size === undefined ? '—' : bytes(size)),
        },
        {
          key: 'object',
          head: 'Object',
          value: ({ object = '' }) => object,
          cell: ({ object }) => <code>{object?.slice(0, 12) ?? '—'}</code>,
        },
      ]}
    />
  );
}

function PathState({ of }: { readonly of: PathStatus | undefined }): JSX.Element {
  if (of === undefined) return <span class="quiet">looking…</span>;
  const [tone, word] = states[of.state];
  return (
    <State tone={of.missing > 0 ? 'bad' : tone}>
      {word}
      {of.missing > 0 && `; ${counted(of.missing, 'object')} not in the cache`}
    </State>
  );
}

interface ActionsProps {
  readonly tracked: readonly Tracked[];
  readonly remotes: WorkspaceView['remotes'];
  readonly begin: (verb: WorkspaceJob['verb'], paths?: readonly string[]) => Promise<void>;
}

function Actions({ tracked, remotes, begin }: ActionsProps): JSX.Element {
  const isDefault = remotes.length === 1 || remotes.some((remote) => remote.isDefault);
  const missing = isDefault ? [] : ['There is no default remote.'];
  const paths = tracked.map(({ path }) => path);
  return (
    <div class="actions">
      <Action
        label="Add changes"
        permission="build"
        explain={
          <p>
            What changed in {counted(paths.length, 'tracked path')} goes into the cache, and the .dvc files say so. Committing them is left
            to git.
          </p>
        }
        act={() => begin('add', paths)}
      />
      <Action
        label="Check out"
        permission="build"
        explain={
          <p>
            The folder becomes what the .dvc files say. Changes that the cache does not hold are never overwritten: then nothing is done.
          </p>
        }
        act={() => begin('checkout')}
      />
      <Action
        label="Push"
        permission="build"
        missing={missing}
        explain={<p>Objects that the default remote lacks are copied there.</p>}
        act={() => begin('push')}
      />
      <Action
        label="Pull"
        permission="build"
        missing={missing}
        explain={<p>Objects that the cache lacks come from the default remote, and the folder becomes what the .dvc files say.</p>}
        act={() => begin('pull')}
      />
    </div>
  );
}

function ChangedPaths({ items }: { readonly items: readonly PathStatus[] }): JSX.Element | null {
  const changed = items.filter(({ changes }) => changes.count > 0);
  if (changed.length === 0) return null;
  return (
    <Card title="What changed since it was added" wide>
      {changed.map(({ path, changes }) => (
        <section key={path}>
          <h3>
            {path} <span class="quiet">{counted(changes.count, 'change')}</span>
          </h3>
          <ul>
            <Some word="added" paths={changes.added} />
            <Some word="removed" paths={changes.removed} />
            <Some word="modified" paths={changes.modified} />
            <Some word="renamed" paths={changes.renamed.map(({ from, to }) => `${from} → ${to}`)} />
          </ul>
        </section>
      ))}
    </Card>
  );
}

const mostShown = 20;

function Some({ word, paths }: { readonly word: string; readonly paths: readonly string[] }): JSX.Element | null {
  if (paths.length === 0) return null;
  return (
    <li>
      {counted(paths.length, 'file')} {word}: {paths.slice(0, mostShown).join(', ')}
      {paths.length > mostShown && ` and ${number(paths.length - mostShown, 0)} more`}
    </li>
  );
}

function Versions({ path }: { readonly path: string }): JSX.Element {
  const log = useResource<WorkspaceVersions>(`workspace/log?path=${encodeURIComponent(path)}`);
  return (
    <Card title={`Versions of ${path}`} wide says="From git’s history of its .dvc file.">
      <Load of={log} what="The versions">
        {({ items }) => (
          <Table
            name="workspace-versions"
            caption={`Versions of ${path}`}
            rows={items}
            rowKey={({ commit }) => commit}
            columns={[
              { key: 'at', head: 'When', value: ({ at }) => at, cell: ({ at }) => <When at={at} /> },
              { key: 'author', head: 'Who', value: ({ author }) => author, cell: ({ author }) => author },
              { key: 'subject', head: 'Why', value: ({ subject }) => subject, cell: ({ subject }) => subject },
              { key: 'commit', head: 'Commit', value: ({ commit }) => commit, cell: ({ commit }) => <code>{commit.slice(0, 10)}</code> },
              {
                key: 'object',
                head: 'Object',
                value: ({ object = '' }) => object,
                cell: ({ object }) => (object === undefined ? 'removed' : <code>{object.slice(0, 12)}</code>),
              },
              { key: 'files', head: 'Files', number: true, value: ({ files = 1 }) => files, cell: ({ files = 1 }) => number(files, 0) },
            ]}
          />
        )}
      </Load>
    </Card>
  );
}

function Jobs({ items, reload }: { readonly items: readonly WorkspaceJob[]; readonly reload: () => void }): JSX.Element {
  if (items.length === 0) return <p class="quiet">None yet.</p>;
  return (
    <Table
      name="workspace-jobs"
      caption="Jobs"
      rows={items}
      rowKey={({ id }) => id}
      columns={[
        { key: 'verb', head: 'Verb', value: ({ verb }) => verb, cell: ({ verb }) => verb },
        { key: 'state', head: 'State', value: ({ state }) => state, cell: (job) => <JobState job={job} /> },
        {
          key: 'stop',
          head: 'Change',
          value: () => undefined,
          cell: ({ id, verb, state }) =>
            state === 'running' && (
              <Action
                label="Stop"
                permission="build"
                explain={<p>Stops this {verb}; what is done stays, and the same verb goes on from there.</p>}
                act={async () => {
                  await send('DELETE', `workspace/jobs/${id}`);
                  reload();
                }}
              />
            ),
        },
        { key: 'by', head: 'By', value: ({ by }) => by.name, cell: ({ by }) => <Who actor={by} /> },
        { key: 'at', head: 'Begun', value: ({ startedAt }) => startedAt, cell: ({ startedAt }) => <When at={startedAt} /> },
      ]}
    />
  );
}

function JobState({ job: { state, waiting, progress, results, error } }: { readonly job: WorkspaceJob }): JSX.Element {
  const far =
    progress === undefined ? '' : `: ${number(progress.files, 0)}${progress.of === undefined ? '' : ` of ${number(progress.of, 0)}`} files`;
  const words = results.map(({ path, counts }) => {
    const told = Object.entries(counts).filter(([name, count]) => count > 0 && name !== 'bytes');
    return `${path}: ${told.length === 0 ? 'nothing to do' : told.map(([name, count]) => `${number(count, 0)} ${name}`).join(', ')}`;
  });
  return (
    <>
      <State tone={jobTones[state]}>
        {state}
        {state === 'running' && (waiting ? ', waiting for another process' : far)}
      </State>
      {error !== undefined && <p class="prose">{error}</p>}
      {words.length > 0 && <p class="quiet">{words.join('; ')}</p>}
    </>
  );
}
