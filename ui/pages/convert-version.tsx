import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { bareModelFile, executesCode, isConvertible, tensorFromWords } from '#contract';
import type { ModelConversion, ModelVersion, NamedRow, VersionConversion } from '#contract';
import { ApiError, send } from '../lib/api.ts';
import { counted, duration } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { useReloadWhile } from '../lib/use-polled.ts';
import { rowsOfFile } from '../lib/rows-file.ts';
import { Action } from '../parts/action.tsx';
import { Card, Facts } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { When, Who } from '../parts/values.tsx';

const tones = { queued: 'waiting', running: 'waiting', finished: 'good', cancelled: 'off', failed: 'bad' } as const;
const isOpen = ({ state }: ModelConversion): boolean => state === 'queued' || state === 'running';

interface Conversions {
  /** Of this version, newest first. */
  readonly items: readonly ModelConversion[];
  readonly reload: () => void;
}

/** The conversions of a version, followed while one goes on; none of a version that has a graph. */
export function useConversions(version: ModelVersion): Conversions {
  const route = isConvertible(version) ? `model-conversions?model=${encodeURIComponent(version.model)}` : undefined;
  const { data, reload } = useResource<PageOf<ModelConversion>>(route, ['model_conversion.']);
  const items = data?.items.filter(({ from }) => from.id === version.id) ?? [];
  const anyOpen = items.some(isOpen);
  useReloadWhile(anyOpen, reload);
  return { items, reload };
}

/** Begins to make a version with a graph of one that only Python can load; nothing for any other. */
export function ConvertVersion({ version, begun }: { readonly version: ModelVersion; readonly begun: () => void }): JSX.Element | null {
  const [classes, setClasses] = useState('');
  const [tensors, setTensors] = useState('');
  const [rows, setRows] = useState<readonly NamedRow[] | string | undefined>(undefined);
  const [logits, setLogits] = useState(false);
  const [accept, setAccept] = useState(false);
  if (!isConvertible(version) || version.deletedAt !== undefined) return null;
  const bare = version.flavors === undefined ? bareModelFile(version.files) : undefined;
  const choose = async (file: File | undefined): Promise<void> =>
    setRows(file === undefined ? undefined : rowsOfFile(file.name, await file.text()));
  return (
    <Action
      label="Convert to ONNX"
      permission="build"
      explain={
        <>
          <p>
            {bare === undefined ? `The version ${executesCode}` : `${bare} may execute code when it is loaded`}: it is loaded in a process
            of its own on the platform’s machine, where the project allows that, and exported by the public converters there. Both are asked
            about the same rows. The graph becomes the next version of the model, with what they differ by; nothing is kept that differs by
            more than 0.0001.
          </p>
          <label class="field">
            <span>Rows to compare both on{bare === undefined ? '' : ', with just the columns that it takes'}: JSON or CSV</span>
            <input type="file" accept=".json,.jsonl,.csv" onChange={(event) => void choose(event.currentTarget.files?.[0])} />
          </label>
          {rows !== undefined && (
            <p class="quiet" role="status">
              {typeof rows === 'string' ? rows : `${counted(rows.length, 'row')} of ${Object.keys(rows[0]).join(', ')}`}
            </p>
          )}
          <label class="field">
            <span>Classes in the order of its numbers, of a network on columns</span>
            <input
              value={classes}
              placeholder="No,Yes; of other models by the model itself"
              autocomplete="off"
              onInput={(event) => setClasses(event.currentTarget.value)}
            />
          </label>
          <label class="field">
            <span>What a network takes that does not say so itself</span>
            <input
              value={tensors}
              placeholder="image=FP32[N,3,96,96]; several with spaces between"
              autocomplete="off"
              onInput={(event) => setTensors(event.currentTarget.value)}
            />
          </label>
          <label class="check">
            <input type="checkbox" checked={logits} onInput={(event) => setLogits(event.currentTarget.checked)} /> these numbers are logits
          </label>
          <label class="check">
            <input type="checkbox" checked={accept} onInput={(event) => setAccept(event.currentTarget.checked)} /> keep a graph that differs
            by more
          </label>
        </>
      }
      act={async () => {
        const request: VersionConversion = {
          ...rowsIn(rows),
          ...tensorsIn(tensors),
          ...classesIn(classes),
          ...(logits ? { logits } : {}),
          ...(accept ? { accept } : {}),
        };
        await send('POST', `models/${encodeURIComponent(version.model)}/versions/${version.version}/convert`, request);
        begun();
      }}
    />
  );
}

/** What a version's newest conversion is at, or what came of it. */
export function ConversionCard({ conversions }: { readonly conversions: Conversions }): JSX.Element | null {
  const [newest] = conversions.items;
  if (newest === undefined) return null;
  const { id, from, state, stage, said, made, parity, error, queuedAt, startedAt, finishedAt, by } = newest;
  const took = startedAt === undefined || finishedAt === undefined ? undefined : Date.parse(finishedAt) - Date.parse(startedAt);
  return (
    <Card title="Conversion to ONNX" wide says={`Of ${from.model}, version ${from.version}`}>
      <Facts
        facts={[
          ['State', <State tone={tones[state]}>{stage ?? state}</State>],
          error === undefined ? undefined : ['Why', error],
          made === undefined
            ? undefined
            : [
                'Became',
                <a href={recordPath('model_version', made.id)}>
                  {from.model} version {made.version}
                </a>,
              ],
          parity === undefined ? undefined : ['Differs by', parity],
          took === undefined ? undefined : ['Took', duration(took)],
          ['Begun', <When at={queuedAt} />],
          ['By', <Who actor={by} />],
        ]}
      />
      {said.length > 0 && (
        <pre class="preview-text" tabIndex={0} role="region" aria-label="What the converter says">
          {said.join('\n')}
        </pre>
      )}
      {isOpen(newest) && (
        <div class="actions">
          <Action
            label="Stop"
            permission="build"
            explain={<p>The converter is ended with all that it has started. Nothing of it is kept.</p>}
            act={async () => {
              await send('DELETE', `model-conversions/${encodeURIComponent(id)}`);
              conversions.reload();
            }}
          />
        </div>
      )}
    </Card>
  );
}

function rowsIn(rows: readonly NamedRow[] | string | undefined): Pick<VersionConversion, 'rows'> {
  if (typeof rows === 'string') throw new ApiError(rows, { status: 0, code: 'INVALID_ARGUMENT' });
  return rows === undefined ? {} : { rows: [...rows] };
}

function tensorsIn(text: string): Pick<VersionConversion, 'tensors'> {
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return {};
  return {
    tensors: words.map((word) => {
      const tensor = tensorFromWords(word);
      if (tensor !== undefined) return tensor;
      throw new ApiError(`“${word}” names no tensor: NAME=TYPE[N,…] is wanted, such as image=FP32[N,3,96,96].`, {
        status: 0,
        code: 'INVALID_ARGUMENT',
      });
    }),
  };
}

function classesIn(text: string): Pick<VersionConversion, 'classes'> {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names.length === 0 ? {} : { classes: names };
}
