import type { JSX } from 'preact';
import { useCallback } from 'preact/hooks';
import type { DatasetVersion, VersionFile, VersionFiles } from '#contract';
import { apiUrl, get } from '../lib/api.ts';
import { bytes, counted, number } from '../lib/format.ts';
import { useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { Card, Facts, Load } from '../parts/page.tsx';
import { PictureWall } from '../parts/picture-wall.tsx';
import { PositionDialog, positionIn } from '../parts/position-dialog.tsx';
import { Table } from '../parts/table.tsx';
import { Command, DigestText } from '../parts/values.tsx';

const fileColumns = ['path', 'size', 'sha256', 'md5'];
/** A list is not longer: searching narrows it. */
const mostListed = 1000;
const views = ['list', 'previews'] as const;
const tilePx = 144;

/** Whether the rows of a version are files, as the server tells them from other rows. */
export function isOfFiles({ schema }: DatasetVersion): boolean {
  return fileColumns.every((wanted) => schema.columns.some(({ name }) => name === wanted));
}

function fileUrl(digest: string, { sha256 }: VersionFile): string {
  return apiUrl(`datasets/${digest}/files/${sha256}`);
}

/** The files of a version: a list to search, or what they look like. */
export function FilesCard({ version: { digest, dataset } }: { readonly version: DatasetVersion }): JSX.Element {
  const [match, extension] = [queryValue('match'), queryValue('extension')];
  const view = views.find((one) => one === queryValue('files')) ?? 'list';
  const query = new URLSearchParams();
  if (match !== undefined) query.set('match', match);
  if (extension !== undefined) query.set('extension', extension);
  const route = `datasets/${digest}/files?${query.toString()}`;
  const found = useResource<VersionFiles>(`${route}&limit=${view === 'list' ? mostListed : 1}`);
  return (
    <Card title="Files" wide aside={<ViewChips view={view} />}>
      <Load of={found} what="The files">
        {(files) => (
          <div class="sheet">
            <aside class="sheet-side">
              <Extensions extensions={files.extensions} chosen={extension} />
              {files.masked.length > 0 && (
                <p class="quiet">
                  {files.masked.join(', ')} {files.masked.length === 1 ? 'is' : 'are'} personal data and hidden from you; a data steward
                  sees {files.masked.length === 1 ? 'it' : 'them'}.
                </p>
              )}
              <p class="quiet">
                As a folder: <Command>{`gyre data checkout ${dataset}@${digest.slice(0, 12)} --to FOLDER`}</Command>
              </p>
            </aside>
            <div class="wall">
              <Search match={match} hidden={files.masked.includes('path')} />
              {view === 'list' ? <FileList digest={digest} files={files} /> : <Previews digest={digest} files={files} route={route} />}
            </div>
          </div>
        )}
      </Load>
    </Card>
  );
}

function ViewChips({ view }: { readonly view: string }): JSX.Element {
  return (
    <div class="chips" role="group" aria-label="How files are shown">
      {views.map((one) => (
        <button key={one} type="button" class="chip" aria-pressed={one === view} onClick={() => setQuery({ files: one, file: undefined })}>
          {one}
        </button>
      ))}
    </div>
  );
}

function Search({ match, hidden }: { readonly match: string | undefined; readonly hidden: boolean }): JSX.Element | null {
  if (hidden) return null;
  return (
    <div class="table-tools">
      <label>
        <span class="visually-hidden">Files whose path has this in it</span>
        <input
          type="search"
          placeholder="Search paths"
          value={match ?? ''}
          onChange={(event) =>
            setQuery({ match: event.currentTarget.value === '' ? undefined : event.currentTarget.value, file: undefined })
          }
        />
      </label>
    </div>
  );
}

/** Each extension with its files; a click shows them alone. */
function Extensions({
  extensions,
  chosen,
}: {
  readonly extensions: VersionFiles['extensions'];
  readonly chosen: string | undefined;
}): JSX.Element | null {
  const [most] = extensions;
  if (most === undefined) return null;
  return (
    <section aria-label="Extensions">
      <h3>{counted(extensions.length, 'extension')}</h3>
      <ul class="choices">
        {extensions.map(({ extension, files, bytes: size }) => (
          <li key={extension}>
            <button
              type="button"
              aria-pressed={extension === chosen}
              title={`${extension}: ${counted(files, 'file')}, ${bytes(size)}`}
              onClick={() => setQuery({ extension: extension === chosen ? undefined : extension, file: undefined })}
            >
              <span>{extension}</span>
              <span class="choice-count">{number(files, 0)}</span>
              <span class="choice-bar" style={{ width: `${(100 * files) / most.files}%` }} aria-hidden="true" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function FileList({ digest, files }: { readonly digest: string; readonly files: VersionFiles }): JSX.Element {
  const isShown = !files.masked.includes('content');
  const { total, items } = files;
  if (items.length === 0) return <p class="quiet">No path has this in it.</p>;
  return (
    <div class="files-list">
      <p class="quiet" role="status">
        {counted(total, 'file')}, {bytes(files.bytes)}
        {total > items.length && `; the first ${number(items.length, 0)} are listed, searching finds the others`}
      </p>
      <Table
        name="files-list"
        caption="Files of this version"
        rows={files.items}
        rowKey={({ path, sha256 }) => `${path} ${sha256}`}
        filterable={false}
        columns={[
          {
            key: 'path',
            head: 'Path',
            value: ({ path }) => path,
            cell: (file) =>
              isShown ? (
                <a href={fileUrl(digest, file)} download>
                  {file.path}
                </a>
              ) : (
                file.path
              ),
          },
          { key: 'size', head: 'Size', number: true, value: ({ size }) => size, cell: ({ size }) => bytes(size) },
          { key: 'sha256', head: 'SHA-256', value: ({ sha256 }) => sha256, cell: ({ sha256 }) => <DigestText digest={sha256} /> },
        ]}
      />
    </div>
  );
}

function Previews({
  digest,
  files,
  route,
}: {
  readonly digest: string;
  readonly files: VersionFiles;
  readonly route: string;
}): JSX.Element {
  const { total, masked } = files;
  const items = useCallback(
    async (offset: number, limit: number, signal: AbortSignal): Promise<readonly VersionFile[]> =>
      (await get<VersionFiles>(`${route}&after=${offset}&limit=${limit}`, signal)).items,
    [route],
  );
  const isShown = !masked.includes('content');
  if (total === 0) return <p class="quiet">No path has this in it.</p>;
  return (
    <>
      <PictureWall
        caption="Files of this version"
        noun="file"
        total={total}
        items={items}
        of={route}
        side={tilePx}
        tile={(file) => <Tile digest={digest} file={file} isShown={isShown} />}
        onOpen={(position) => setQuery({ file: String(position) })}
      />
      <FileDialog digest={digest} route={route} total={total} isShown={isShown} />
    </>
  );
}

function Preview({
  digest,
  file,
  side,
  isShown,
}: {
  readonly digest: string;
  readonly file: VersionFile;
  readonly side: number;
  readonly isShown: boolean;
}): JSX.Element {
  const extension = /\.[^./]+$/.exec(file.path)?.[0] ?? 'file';
  if (!isShown || !file.isPicture) return <span class={isShown ? 'file-kind' : 'no-picture'}>{isShown ? extension : 'hidden'}</span>;
  return (
    <img
      src={`${fileUrl(digest, file)}/thumbnail?size=${side > 256 ? 512 : 256}`}
      alt=""
      loading="lazy"
      decoding="async"
      draggable={false}
      style={{ maxHeight: `${side}px` }}
    />
  );
}

function Tile(props: { readonly digest: string; readonly file: VersionFile; readonly isShown: boolean }): JSX.Element {
  const { path, size } = props.file;
  return (
    <>
      <span class="tile-picture" style={{ height: `${tilePx}px` }}>
        <Preview {...props} side={tilePx} />
      </span>
      <span class="tile-label">{bytes(size)}</span>
      <span class="tile-path" title={path}>
        <bdi>{path}</bdi>
      </span>
    </>
  );
}

interface FileDialogProps {
  readonly digest: string;
  readonly route: string;
  readonly total: number;
  readonly isShown: boolean;
}

/** The file that the address names by its position. */
function FileDialog(props: FileDialogProps): JSX.Element | null {
  const position = positionIn('file', props.total);
  return position === undefined ? null : <OpenedFile {...props} position={position} />;
}

function OpenedFile({ digest, route, total, isShown, position }: FileDialogProps & { readonly position: number }): JSX.Element {
  const found = useResource<VersionFiles>(`${route}&after=${position}&limit=1`);
  return (
    <PositionDialog parameter="file" label="File" position={position} total={total}>
      <Load of={found} what="The file">
        {({ items: [file] }) =>
          file === undefined ? (
            <p class="quiet">There is no file at this place any more.</p>
          ) : (
            <ul class="beside alone">
              <li>
                <Preview digest={digest} file={file} side={512} isShown={isShown} />
                <Facts
                  facts={[
                    ['Path', file.path],
                    ['Size', bytes(file.size)],
                    ['SHA-256', <DigestText digest={file.sha256} />],
                    ['MD5', <code>{file.md5}</code>],
                  ]}
                />
                {isShown && (
                  <a href={fileUrl(digest, file)} download>
                    As it came
                  </a>
                )}
              </li>
            </ul>
          )
        }
      </Load>
    </PositionDialog>
  );
}
