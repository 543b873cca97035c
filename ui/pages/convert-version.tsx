import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { executesCode } from '#contract';
import type { ModelVersion, VersionConversion } from '#contract';
import { send } from '../lib/api.ts';
import { recordPath } from '../lib/records.ts';
import { Action } from '../parts/action.tsx';

/** Makes a version with a graph of one that only Python can load; nothing for any other. */
export function ConvertVersion({ version }: { readonly version: ModelVersion }): JSX.Element | null {
  const [classes, setClasses] = useState('');
  const [logits, setLogits] = useState(false);
  const [accept, setAccept] = useState(false);
  const [made, setMade] = useState<ModelVersion | undefined>(undefined);
  if (version.executesCodeOnLoad !== true || version.deletedAt !== undefined) return null;
  return (
    <>
      <Action
        label="Convert to ONNX"
        permission="build"
        explain={
          <>
            <p>
              The version {executesCode}: it is loaded in a process of its own on the platform’s machine, where the project allows that, and
              exported by the public converters there. Both are asked about the rows of its input example. The graph becomes the next
              version of the model, with what they differ by; nothing is kept that differs by more than 0.0001.
            </p>
            <label class="field">
              <span>Classes in the order of its numbers, of a network on columns</span>
              <input
                value={classes}
                placeholder="No,Yes; of other models by the model itself"
                autocomplete="off"
                onInput={(event) => setClasses(event.currentTarget.value)}
              />
            </label>
            <label class="check">
              <input type="checkbox" checked={logits} onInput={(event) => setLogits(event.currentTarget.checked)} /> these numbers are
              logits
            </label>
            <label class="check">
              <input type="checkbox" checked={accept} onInput={(event) => setAccept(event.currentTarget.checked)} /> keep a graph that
              differs by more
            </label>
          </>
        }
        act={async () =>
          setMade(
            await send<ModelVersion>(
              'POST',
              `models/${encodeURIComponent(version.model)}/versions/${version.version}/convert`,
              requestOf(classes, logits, accept),
            ),
          )
        }
      />
      {made !== undefined && (
        <p role="status">
          <a href={recordPath('model_version', made.id)}>
            {made.model} version {made.version}
          </a>{' '}
          was made of it. {made.description}
        </p>
      )}
    </>
  );
}

function requestOf(classes: string, logits: boolean, accept: boolean): VersionConversion {
  const named = classes
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return { ...(named.length === 0 ? {} : { classes: named }), ...(logits ? { logits } : {}), ...(accept ? { accept } : {}) };
}
