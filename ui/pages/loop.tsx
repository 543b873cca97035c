import type { JSX } from 'preact';
import type { Overview } from '#contract';
import { Feed } from '../parts/feed.tsx';
import { Card, Empty, Load, Page } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Command } from '../parts/values.tsx';
import { useResource } from '../lib/resource.ts';
import { linkPath } from '../lib/records.ts';
import { LoopRing } from './loop-ring.tsx';
import { firstUnwell, Track } from './loop-track.tsx';

type ModelOfLoop = Overview['models'][number];

/** Home: is anything wrong, why, what waits, what happened. */
export function LoopPage(): JSX.Element {
  const overview = useResource<Overview>('overview', ['']);
  return (
    <Load of={overview} what="The loop">
      {(data) => (
        <Page title={data.project} kind="Loop" truth={<Truth overview={data} />}>
          <div class="cards">
            {data.models.length === 0 ? <FirstSteps /> : <Models models={data.models} />}
            <WaitingForYou waiting={data.waiting} />
            <Feed />
          </div>
        </Page>
      )}
    </Load>
  );
}

/** The first thing that is not well, in words; or that all is. */
function Truth({ overview }: { readonly overview: Overview }): JSX.Element {
  for (const model of overview.models) {
    const station = firstUnwell(model.stations);
    if (station === undefined) continue;
    return (
      <p>
        <State tone={station.state}>
          {model.model}: {station.title}
        </State>{' '}
        <span>{station.detail}</span>
      </p>
    );
  }
  if (overview.models.length === 0) return <p>{overview.description === '' ? 'No model has been trained yet.' : overview.description}</p>;
  return (
    <p>
      <State tone="good">All is well</State> <span class="quiet">{overview.description}</span>
    </p>
  );
}

function Models({ models }: { readonly models: readonly ModelOfLoop[] }): JSX.Element {
  const [only] = models;
  return (
    <section class="card wide" aria-label="Models">
      {models.map((model) => (
        <Track key={model.model} model={model} />
      ))}
      {models.length === 1 && only !== undefined && <LoopRing model={only} />}
    </section>
  );
}

function FirstSteps(): JSX.Element {
  return (
    <Card title="No model yet" wide>
      <Empty title="The loop begins with data and a charter, both named in gyre.yaml.">
        <p>
          <Command>gyre run</Command> takes the project’s data to a tested, registered model.
        </p>
        <p>
          <Command>gyre demo</Command> turns the whole loop once, on the example project.
        </p>
      </Empty>
    </Card>
  );
}

function WaitingForYou({ waiting }: { readonly waiting: Overview['waiting'] }): JSX.Element {
  return (
    <Card title="Waiting for you" wide aside={waiting.length > 0 ? <span class="count">{waiting.length}</span> : undefined}>
      {waiting.length === 0 ? (
        <p class="quiet">Nothing waits. Certifications, approvals, releases, labels and alerts show here, for the role that they need.</p>
      ) : (
        <ul class="waiting">
          {waiting.map((item) => (
            <li key={`${item.what}${item.record.id}${item.environment ?? ''}`}>
              <State tone={item.what === 'alert' ? 'bad' : 'waiting'}>{item.what.replaceAll('_', ' ')}</State>
              <a href={linkPath(item.record)}>{item.text}</a>
              {item.role !== undefined && <span class="tag">{item.role}</span>}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
