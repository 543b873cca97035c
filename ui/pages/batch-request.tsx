import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { BatchRequestBody, DatasetSummary, RegisteredModel } from '#contract';
import { type Page as PageOf, useResource } from '../lib/resource.ts';

const isDatabase = (address: string): boolean => /^(postgres(ql)?|mysql|mariadb|sqlite):/i.test(address.trim());

export interface RequestForm {
  readonly fields: JSX.Element;
  readonly request: () => BatchRequestBody;
}

/**
 * The fields of what is predicted, and the request that they make.
 * @param repeated it goes by the clock: places may hold the instants of a run
 */
export function useRequestForm({
  initial,
  repeated = false,
}: {
  readonly initial?: BatchRequestBody;
  readonly repeated?: boolean;
}): RequestForm {
  const models = useResource<PageOf<RegisteredModel>>('models', ['registered_model.', 'model_version.']);
  const datasets = useResource<PageOf<DatasetSummary>>('dataset-summaries', ['dataset.']);
  const [model, setModel] = useState(initial?.model ?? (repeated ? 'environment:production' : ''));
  const [input, setInput] = useState(initial?.input ?? '');
  const [query, setQuery] = useState(initial?.query ?? '');
  const [output, setOutput] = useState(initial?.output ?? '');
  const [table, setTable] = useState(initial?.toTable ?? '');
  const [dataset, setDataset] = useState(initial?.dataset ?? '');
  const [existing, setExisting] = useState<'refuse' | 'replace' | 'append'>(initial?.existing ?? 'refuse');
  const [ids, setIds] = useState(initial?.ids ?? false);
  const fields = (
    <>
      <label class="field">
        <span>Model: environment:production for what is live there, a name@alias, or a version, name/3</span>
        <input list="batch-models" value={model} onInput={(event) => setModel(event.currentTarget.value)} autocomplete="off" required />
        <datalist id="batch-models">
          <option value="environment:production" />
          {models.data?.items.map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <label class="field">
        <span>Rows: dataset:NAME, a file in the project’s folder, https://…, s3://… or the address of a database</span>
        <input list="batch-rows" value={input} onInput={(event) => setInput(event.currentTarget.value)} autocomplete="off" required />
        <datalist id="batch-rows">
          {datasets.data?.items.map(({ dataset: known }) => (
            <option key={known} value={`dataset:${known}`} />
          ))}
        </datalist>
      </label>
      {isDatabase(input) && (
        <label class="field">
          <span>What is asked of the database{repeated ? ': {since} and {until} stand for the time that a run covers' : ''}</span>
          <textarea rows={3} value={query} onInput={(event) => setQuery(event.currentTarget.value)} required />
        </label>
      )}
      <label class="field">
        <span>Dataset that the predictions become a version of; left empty: the model’s name with -predictions</span>
        <input value={dataset} onInput={(event) => setDataset(event.currentTarget.value)} autocomplete="off" />
      </label>
      <label class="field">
        <span>
          Write them also to: FILE.parquet, .csv, .jsonl or FOLDER/ in the project’s folder, s3://…, postgres://…
          {repeated ? '; {date} and {time} stand for those of the run' : ''}
        </span>
        <input value={output} onInput={(event) => setOutput(event.currentTarget.value)} autocomplete="off" />
      </label>
      {isDatabase(output) && (
        <label class="field">
          <span>Table there</span>
          <input value={table} onInput={(event) => setTable(event.currentTarget.value)} autocomplete="off" required />
        </label>
      )}
      {output.trim() !== '' && (
        <label class="field">
          <span>What is there already</span>
          <select value={existing} onChange={(event) => setExisting(event.currentTarget.value as typeof existing)}>
            <option value="refuse">stays: nothing is written</option>
            <option value="replace">is replaced when the new one is whole</option>
            {isDatabase(output) && <option value="append">stays, and rows are added</option>}
          </select>
        </label>
      )}
      <label class="check">
        <input type="checkbox" checked={ids} onChange={(event) => setIds(event.currentTarget.checked)} /> a prediction id for each row
      </label>
    </>
  );
  const said = (name: string, value: string): object => (value.trim() === '' ? {} : { [name]: value.trim() });
  const request = (): BatchRequestBody => {
    const { query: _query, output: _output, toTable: _table, dataset: _dataset, existing: _existing, ids: _ids, ...rest } = initial ?? {};
    return {
      ...rest,
      model: model.trim(),
      input: input.trim(),
      ...(isDatabase(input) ? said('query', query) : {}),
      ...said('dataset', dataset),
      ...said('output', output),
      ...(isDatabase(output) ? said('toTable', table) : {}),
      ...(output.trim() === '' || existing === 'refuse' ? {} : { existing }),
      ...(ids ? { ids } : {}),
    };
  };
  return { fields, request };
}
