import type { JSX } from 'preact';
import type { Figure, Overview, Station } from '#contract';
import { Sparkline } from '../charts/sparkline.tsx';
import { measured, number } from '../lib/format.ts';
import { directionMark, metricLabel } from '../lib/metrics.ts';
import { linkPath } from '../lib/records.ts';
import { StateShape } from '../parts/state.tsx';
import { Changing, When } from '../parts/values.tsx';

type ModelOfLoop = Overview['models'][number];

const stationWords: Readonly<Record<Station['state'], string>> = {
  good: 'well',
  warn: 'look',
  bad: 'wrong',
  waiting: 'waits',
  off: 'not yet',
};

/** The station that carries the colour of its row: the worst kind first, in the loop's order. */
export function firstUnwell(stations: readonly Station[]): Station | undefined {
  return (
    stations.find(({ state }) => state === 'bad') ??
    stations.find(({ state }) => state === 'warn') ??
    stations.find(({ state }) => state === 'waiting')
  );
}

/** A model's row: its stations in the loop's order. Only the first that is not well has a colour. */
export function Track({ model }: { readonly model: ModelOfLoop }): JSX.Element {
  const unwell = firstUnwell(model.stations);
  return (
    <div class="track">
      <h2 class="track-name">
        <a href={`/models/${encodeURIComponent(model.model)}`}>{model.model}</a>
        <span class="quiet">
          {model.champion === undefined ? 'no champion' : `champion version ${model.champion}`}
          {model.candidate !== undefined && model.candidate !== model.champion && `, candidate version ${model.candidate}`}
        </span>
      </h2>
      <ol class="stations">
        {model.stations.map((station) => (
          <StationBox key={station.station} station={station} coloured={station === unwell} />
        ))}
      </ol>
    </div>
  );
}

function StationBox({ station, coloured }: { readonly station: Station; readonly coloured: boolean }): JSX.Element {
  const { state, record } = station;
  return (
    <li class={`station ${coloured ? `tone-${state} coloured` : state === 'off' ? 'off' : ''}`}>
      <div class="station-head">
        <StateShape tone={state} />
        <span class="station-name">{station.station}</span>
        <span class="station-word">{stationWords[state]}</span>
      </div>
      <div class="station-title">{record === undefined ? station.title : <a href={linkPath(record)}>{station.title}</a>}</div>
      <div class="station-figures">
        {station.figures.slice(0, 4).map((figure) => (
          <FigureLine key={figure.name} figure={figure} mark={station.station === 'data'} />
        ))}
      </div>
      {station.series?.map((series) => (
        <div key={series.name} class="station-series">
          <span class="quiet">{metricLabel(series.name)}</span>
          <Sparkline
            label={`${metricLabel(series.name)} over ${series.values.length} windows, newest ${measured(series.values.at(-1))}`}
            values={series.values}
            threshold={series.threshold}
          />
        </div>
      ))}
      <p class="station-detail" title={station.detail}>
        {station.detail}
      </p>
      {station.at !== undefined && (
        <p class="station-when quiet">
          <When at={station.at} />
          {station.by !== undefined && ` by ${station.by.name}`}
        </p>
      )}
    </li>
  );
}

/** @param mark a mark of quality from 0 to 1, which only shares its name with a metric */
function FigureLine({ figure, mark }: { readonly figure: Figure; readonly mark: boolean }): JSX.Element {
  return (
    <div
      class={figure.good === false ? 'figure not-good' : 'figure'}
      title={figure.threshold === undefined ? undefined : `wanted ${figure.threshold}`}
    >
      <span class="quiet">{mark ? figure.name : `${metricLabel(figure.name)} ${directionMark(figure.name)}`}</span>
      <b>
        <Changing>{`${mark && figure.value !== null ? number(figure.value, 3) : measured(figure.value, figure.interval)}${figure.unit === undefined || figure.unit === '' ? '' : ` ${figure.unit}`}`}</Changing>
        {figure.good === false && <span class="visually-hidden"> not met</span>}
      </b>
    </div>
  );
}
