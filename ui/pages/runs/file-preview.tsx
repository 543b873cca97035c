import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { apiUrl } from '../../lib/api.ts';
import { bytes, counted } from '../../lib/format.ts';
import { imageType, previewOf, tableRows } from '../../lib/preview.ts';
import { Markdown } from '../../parts/markdown.tsx';
import { Table } from '../../parts/table.tsx';
import { ModelGraphView } from './model-graph.tsx';

const mostBytes = 5_000_000;
const mostRows = 1000;

/** A file of a run, looked at. What a file says is text or a picture here: nothing of it runs. */
export function FilePreview({ run, path, size }: { readonly run: string; readonly path: string; readonly size: number }): JSX.Element {
  const kind = previewOf(path);
  const isText = kind !== 'graph' && kind !== 'audio';
  const isShown = kind !== undefined && isText && size <= mostBytes;
  const content = useContent(isShown ? { run, path, asData: kind === 'image' } : undefined);
  if (kind === undefined) return <p class="quiet">There is no preview of such files.</p>;
  if (kind === 'graph') return <ModelGraphView run={run} path={path} />;
  if (kind === 'audio') return <audio class="preview-audio" controls preload="metadata" src={fileUrl(run, path)} aria-label={path} />;
  if (!isShown) return <p class="quiet">Files of more than {bytes(mostBytes)} are not shown: download it.</p>;
  if (content === undefined) return <p class="quiet">…</p>;
  if ('error' in content) return <p class="tone-bad">{content.error}</p>;
  const { text } = content;
  switch (kind) {
    case 'image':
      return <img class="preview-image" src={text} alt={path} />;
    case 'table':
      return <TextTable path={path} text={text} />;
    case 'markdown':
      return <Markdown text={text} label={path} />;
    case 'json':
      return <Plain text={indented(text)} />;
    case 'html':
      // Without `allow-same-origin` and `allow-scripts`, it is a picture of a page.
      return <iframe class="preview-page" sandbox="" srcdoc={text} title={path} />;
    case 'text':
      return <Plain text={text} />;
  }
}

interface TextRow {
  readonly at: number;
  readonly cells: readonly string[];
}

function TextTable({ path, text }: { readonly path: string; readonly text: string }): JSX.Element {
  const [head = [], ...rows] = tableRows(text, path.toLowerCase().endsWith('.tsv') ? '\t' : ',', mostRows + 1);
  return (
    <>
      <Table
        name="preview"
        caption={path}
        rows={rows.map((cells, at): TextRow => ({ at, cells }))}
        rowKey={({ at }) => String(at)}
        columns={head.map((name, column) => ({ key: `${column}`, head: name, value: ({ cells }: TextRow) => cells[column] }))}
      />
      {rows.length === mostRows && <p class="quiet">The first {counted(mostRows, 'row')}.</p>}
    </>
  );
}

function Plain({ text }: { readonly text: string }): JSX.Element {
  return (
    <pre class="preview-text" tabIndex={0}>
      <code>{text}</code>
    </pre>
  );
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** The address of a file of a run. */
export function fileUrl(run: string, path: string): string {
  return apiUrl(`runs/${encodeURIComponent(run)}/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`);
}

type Content = { readonly text: string } | { readonly error: string };

/** A file's text, or a picture as an address of data; undefined while it comes. */
export function useContent(of: { readonly run: string; readonly path: string; readonly asData: boolean } | undefined): Content | undefined {
  const [content, setContent] = useState<Content | undefined>(undefined);
  useEffect(() => {
    setContent(undefined);
    if (of === undefined) return undefined;
    const stopped = new AbortController();
    read(of, stopped.signal).then(
      (text) => setContent({ text }),
      (cause: unknown) => {
        if (!stopped.signal.aborted) setContent({ error: cause instanceof Error ? cause.message : 'The file could not be read.' });
      },
    );
    return () => stopped.abort();
  }, [of?.run, of?.path]);
  return content;
}

async function read(
  { run, path, asData }: { readonly run: string; readonly path: string; readonly asData: boolean },
  signal: AbortSignal,
): Promise<string> {
  const response = await fetch(fileUrl(run, path), { signal });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  if (!asData) return response.text();
  const image = new Blob([await response.arrayBuffer()], { type: imageType(path) });
  // The pages' own policy lets pictures in from here and as data, not from blobs.
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error('The picture could not be read.'));
    reader.readAsDataURL(image);
  });
}
