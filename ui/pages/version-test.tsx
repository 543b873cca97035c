import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { isConvertible, isTrained } from '#contract';
import type { ModelVersion, TestReport, VersionTest } from '#contract';
import { send } from '../lib/api.ts';
import { Action } from '../parts/action.tsx';

type Field = 'dataset' | 'part' | 'target' | 'columns' | 'classes' | 'positive' | 'output';

const fields: readonly { readonly name: Field; readonly label: string; readonly hint: string }[] = [
  { name: 'dataset', label: 'Dataset', hint: 'what the project trains on' },
  { name: 'part', label: 'Part of its split', hint: 'test' },
  { name: 'target', label: 'Column that it predicts', hint: 'what the project predicts' },
  { name: 'columns', label: 'Columns that the graph takes, in their order', hint: 'by the names of its inputs, or its files' },
  { name: 'classes', label: 'Classes in the order of its probabilities', hint: 'by the graph itself' },
  { name: 'positive', label: 'Class that scores speak of', hint: 'as the project says' },
  { name: 'output', label: 'Output with the scores', hint: 'found by its kind' },
];

/** Tests a version that was trained elsewhere; nothing for one of ours. */
export function TestVersion({ version }: { readonly version: ModelVersion }): JSX.Element | null {
  const [said, setSaid] = useState<Partial<Record<Field, string>>>({});
  if (isTrained(version) || version.deletedAt !== undefined) return null;
  const canRun = version.files.some(({ path }) => path.endsWith('.onnx')) || version.executesCodeOnLoad === true;
  return (
    <Action
      label={version.testReport === undefined ? 'Test it' : 'Test it anew'}
      permission="build"
      primary={version.testReport === undefined}
      missing={
        version.package === undefined
          ? [`its files are at ${version.source}, not in Gyre`]
          : canRun
            ? []
            : isConvertible(version)
              ? ['it has no ONNX graph: convert it to one first']
              : [
                  'it has no ONNX graph, and no flavour that Python is known to load: convert it (skl2onnx, onnxmltools, torch.onnx) and add it with its .onnx file',
                ]
      }
      explain={
        <>
          <p>
            Its graph is put behind named columns and judged on held-out rows, by the charter’s thresholds and the project’s gates. What is
            left empty the project says, or its files.
          </p>
          {fields.map(({ name, label, hint }) => (
            <label key={name} class="field">
              <span>{label}</span>
              <input
                value={said[name] ?? ''}
                placeholder={hint}
                autocomplete="off"
                onInput={(event) => setSaid({ ...said, [name]: event.currentTarget.value })}
              />
            </label>
          ))}
        </>
      }
      act={() => send<TestReport>('POST', `models/${encodeURIComponent(version.model)}/versions/${version.version}/test`, requestOf(said))}
    />
  );
}

function requestOf(said: Partial<Record<Field, string>>): VersionTest {
  const text = (name: Field): string | undefined => (said[name]?.trim() === '' ? undefined : said[name]?.trim());
  const list = (name: Field): string[] | undefined =>
    text(name)
      ?.split(',')
      .map((one) => one.trim());
  const [dataset, part, target, positive, output] = (['dataset', 'part', 'target', 'positive', 'output'] as const).map(text);
  const [columns, classes] = [list('columns'), list('classes')];
  return {
    ...(dataset === undefined ? {} : { dataset }),
    ...(part === undefined ? {} : { part }),
    ...(target === undefined ? {} : { target }),
    ...(columns === undefined ? {} : { columns: { '': columns } }),
    ...(classes === undefined ? {} : { classes }),
    ...(positive === undefined ? {} : { positive }),
    ...(output === undefined ? {} : { output }),
  };
}
