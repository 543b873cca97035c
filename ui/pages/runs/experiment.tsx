import type { JSX } from 'preact';
import type { Experiment } from '#contract';
import { type Page as PageOf, useResource } from '../../lib/resource.ts';
import { Page } from '../../parts/page.tsx';
import { When } from '../../parts/values.tsx';
import { RunsCard } from './runs-card.tsx';

/** One experiment: all its runs. */
export function ExperimentPage({ id }: { readonly id: string }): JSX.Element {
  const experiments = useResource<PageOf<Experiment>>('experiments?limit=1000', ['experiment.', 'run.started']);
  const experiment = experiments.data?.items.find((one) => one.id === id || one.name === id);
  return (
    <Page
      kind="Experiment"
      title={experiment?.name ?? id}
      crumbs={[{ text: 'Experiments', href: '/experiments' }]}
      truth={
        experiment !== undefined && (
          <p>
            id {experiment.id}, since <When at={experiment.createdAt} />
          </p>
        )
      }
    >
      <div class="cards">
        <RunsCard key={experiment?.id ?? id} experiments={[experiment?.id ?? id]} />
      </div>
    </Page>
  );
}
