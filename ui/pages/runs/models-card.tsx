import type { JSX } from 'preact';
import type { Run, RunModel } from '#contract';
import { recordPath } from '../../lib/records.ts';
import { useResource } from '../../lib/resource.ts';
import { Card } from '../../parts/page.tsx';
import { WordState } from '../../parts/state.tsx';
import { Table } from '../../parts/table.tsx';

/** The logged models that a run made and used. */
export function ModelsCard({ run }: { readonly run: Run }): JSX.Element | null {
  const models = useResource<{ readonly items: readonly RunModel[] }>(`runs/${encodeURIComponent(run.id)}/models`, [
    'logged_model.',
    'run.',
  ]);
  const items = models.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <Card title="Logged models">
      <Table
        name="run-models"
        caption="Logged models of this run"
        rows={items}
        rowKey={({ id, role }) => `${role} ${id}`}
        columns={[
          {
            key: 'model',
            head: 'Model',
            value: ({ id, model }) => model?.name ?? id,
            cell: ({ id, model }) => (model === undefined ? <code>{id}</code> : <a href={recordPath('logged_model', id)}>{model.name}</a>),
          },
          { key: 'role', head: 'The run', value: ({ role }) => (role === 'output' ? 'made it' : 'used it') },
          { key: 'step', head: 'Step', number: true, value: ({ step }) => step },
          {
            key: 'status',
            head: 'Status',
            value: ({ model }) => model?.status,
            cell: ({ model }) => (model === undefined ? '—' : <WordState word={model.status} />),
          },
        ]}
      />
    </Card>
  );
}
