import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ModelVersion } from '#contract';
import { ApiError, send } from '../lib/api.ts';
import { bytes, counted } from '../lib/format.ts';
import { versionPath } from '../lib/records.ts';
import { navigate } from '../lib/router.ts';
import { type ChosenFile, chosenFiles, pathTwice, withUploads } from '../lib/uploads.ts';
import { Action } from '../parts/action.tsx';

/** Registers files of this machine as the next version of a model. @param model its name; without one it is asked for */
export function AddVersion({ model }: { readonly model?: string }): JSX.Element {
  const [name, setName] = useState(model ?? '');
  const [description, setDescription] = useState('');
  const [files, setFiles] = useState<readonly ChosenFile[]>([]);
  const [arrived, setArrived] = useState(0);
  const choose = (list: FileList | null): void => setFiles(chosenFiles([...(list ?? [])]));
  const add = async (): Promise<void> => {
    const twice = pathTwice(files);
    if (files.length === 0) throw new ApiError('Choose the files first.', { status: 0, code: 'INVALID_ARGUMENT' });
    if (twice !== undefined)
      throw new ApiError(`Two files would be ${twice} in the package: choose their folder instead.`, {
        status: 0,
        code: 'INVALID_ARGUMENT',
      });
    setArrived(0);
    const version = await withUploads(
      files,
      (source) =>
        send<ModelVersion>('POST', `models/${encodeURIComponent(name)}/versions`, {
          source,
          ...(description === '' ? {} : { description }),
        }),
      setArrived,
    );
    navigate(versionPath(version));
  };
  const size = files.reduce((sum, { file }) => sum + file.size, 0);
  return (
    <Action
      label="Add a version"
      permission="build"
      explain={
        <>
          <p>
            Files of a model that was trained elsewhere become the next version of a model. What it takes is read from its ONNX graph or its
            MLmodel file; no pickle is opened. A bare file that only Python can load (.pkl, .joblib, .json, .ubj, .txt, .pt, .keras) can be
            converted to a graph on its version’s page. Answers in <code>examples.json</code> are held against what the graph gives.
          </p>
          {model === undefined && (
            <label class="field">
              <span>Model</span>
              <input value={name} required onInput={(event) => setName(event.currentTarget.value)} autocomplete="off" />
            </label>
          )}
          <label class="field">
            <span>Files</span>
            <input type="file" multiple onChange={(event) => choose(event.currentTarget.files)} />
          </label>
          <label class="field">
            <span>or a folder</span>
            <input
              type="file"
              multiple
              ref={(input) => input?.setAttribute('webkitdirectory', '')}
              onChange={(event) => choose(event.currentTarget.files)}
            />
          </label>
          <label class="field">
            <span>What is special about it</span>
            <input value={description} onInput={(event) => setDescription(event.currentTarget.value)} />
          </label>
          {files.length > 0 && (
            <p class="quiet" role="status">
              {counted(files.length, 'file')}, {bytes(size)}:{' '}
              {files
                .slice(0, 8)
                .map(({ path }) => path)
                .join(', ')}
              {files.length > 8 && ', …'}
              {arrived > 0 && `; ${arrived} arrived`}
            </p>
          )}
        </>
      }
      act={add}
    />
  );
}
