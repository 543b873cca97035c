import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { EnvironmentState, VideoCounts, VideoEvent } from '#contract';
import { ApiError } from '../lib/api.ts';
import { bytes, duration, number, percent } from '../lib/format.ts';
import { useResource, type Page as PageOf } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { playVideo } from '../lib/video.ts';
import { Card, Empty, Load, Page } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Command } from '../parts/values.tsx';

interface Listed {
  readonly items: readonly { readonly path: string; readonly bytes: number }[];
}

/** A video, played to the model that an environment serves: what it says of each frame, as it says it. */
export function VideoPage(): JSX.Element {
  const environments = useResource<PageOf<EnvironmentState>>('environments', ['deployment.']);
  const videos = useResource<Listed>('videos', []);
  return (
    <Page
      title="Video"
      crumbs={[{ text: 'Environments', href: '/environments' }]}
      truth={<p>Frames go to the model in real time; what it cannot answer in time is dropped, the oldest first, and counted.</p>}
    >
      <div class="cards">
        <Load of={environments} what="The environments">
          {({ items }) => {
            const served = items.filter(({ address, live }) => address !== undefined && live !== undefined);
            return (
              <Load of={videos} what="The videos">
                {({ items: listed }) =>
                  served.length === 0 ? (
                    <Card title="Play" wide>
                      <Empty title="Nothing is served.">A version that takes pictures has to be released to an environment first.</Empty>
                    </Card>
                  ) : listed.length === 0 ? (
                    <Card title="Play" wide>
                      <Empty title="There is no video to play.">
                        Put one into the folder <code>videos</code> of the project, or name other folders with the setting{' '}
                        <code>videoFolders</code>. A camera is asked about on the command line:{' '}
                        <Command>gyre stream --input /dev/video0</Command>
                      </Empty>
                    </Card>
                  ) : (
                    <Player environments={served.map(({ name }) => name)} videos={listed} />
                  )
                }
              </Load>
            );
          }}
        </Load>
      </div>
    </Page>
  );
}

type Outcome = { readonly tone: 'good' | 'bad' | 'off'; readonly text: string };

function Player({ environments, videos }: { readonly environments: readonly string[]; readonly videos: Listed['items'] }): JSX.Element {
  const environment = queryValue('environment') ?? environments[environments.length - 1];
  const path = queryValue('path') ?? videos[0].path;
  const fps = queryValue('fps') ?? '';
  const [playing, setPlaying] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const [last, setLast] = useState<VideoEvent>();
  const stop = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const play = async (): Promise<void> => {
    const stopping = new AbortController();
    stop.current = stopping;
    setPlaying(true);
    setOutcome(undefined);
    setLast(undefined);
    const heard = (event: VideoEvent): void => {
      if (event.ended === undefined) return setLast(event);
      setLast((before) => ({ ...before, counts: event.counts }));
      setOutcome({ tone: event.ended === 'the video is over' ? 'good' : 'bad', text: event.ended });
    };
    try {
      await playVideo({ environment, path, fps: fps === '' ? undefined : Number(fps) }, heard, stopping.signal);
      if (stopping.signal.aborted) setOutcome({ tone: 'off', text: 'stopped' });
    } catch (error) {
      setOutcome({ tone: 'bad', text: error instanceof ApiError ? error.message : String(error) });
    }
    setPlaying(false);
  };
  return (
    <>
      <Card title="Play" wide>
        <form
          class="video-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (playing) stop.current?.abort();
            else void play();
          }}
        >
          <label>
            Video
            <select value={path} disabled={playing} onChange={(event) => setQuery({ path: event.currentTarget.value })}>
              {videos.map((video) => (
                <option key={video.path} value={video.path}>
                  {video.path} ({bytes(video.bytes)})
                </option>
              ))}
            </select>
          </label>
          <label>
            Environment
            <select value={environment} disabled={playing} onChange={(event) => setQuery({ environment: event.currentTarget.value })}>
              {environments.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label>
            Frames a second
            <input
              type="number"
              min="0.1"
              max="1000"
              step="any"
              placeholder="as the video has"
              value={fps}
              disabled={playing}
              onChange={(event) => setQuery({ fps: event.currentTarget.value || undefined })}
            />
          </label>
          <button type="submit">{playing ? 'Stop' : 'Play'}</button>
        </form>
      </Card>
      <Card title="Frame">
        <Shown event={last} playing={playing} outcome={outcome} />
      </Card>
      <Card title="Counts" says="Every frame that came is counted once.">
        {last === undefined ? <p class="quiet">Nothing was played yet.</p> : <Counts counts={last.counts} />}
      </Card>
    </>
  );
}

function Shown(props: {
  readonly event: VideoEvent | undefined;
  readonly playing: boolean;
  readonly outcome: Outcome | undefined;
}): JSX.Element {
  const { event, playing, outcome } = props;
  const { said, picture } = event ?? {};
  return (
    <div class="video-frame">
      {picture === undefined ? (
        <div class="video-picture" aria-hidden="true" />
      ) : (
        <img class="video-picture" src={`data:image/jpeg;base64,${picture}`} alt={`Frame ${said?.frame ?? ''} as the model saw it`} />
      )}
      <div class="video-said">
        <p class="video-label">{said?.label ?? (said?.error === undefined ? '–' : 'no answer')}</p>
        <p>
          {said?.confidence === undefined ? (
            (said?.error ?? 'no frame yet')
          ) : (
            <>
              <meter min={0} max={1} value={said.confidence} aria-label="Confidence" /> {percent(said.confidence)} sure
            </>
          )}
        </p>
        {said !== undefined && (
          <p class="quiet">
            frame {number(said.frame, 0)}, answered after {duration(said.latencyMs)}
          </p>
        )}
        <p role="status">
          {outcome !== undefined ? <State tone={outcome.tone}>{outcome.text}</State> : playing ? <State tone="good">playing</State> : ''}
        </p>
      </div>
    </div>
  );
}

function Counts({ counts }: { readonly counts: VideoCounts }): JSX.Element {
  const { frames, answered, dropped, failed, labels, framesPerSecond, latencyP50Ms, latencyP99Ms } = counts;
  const rows: readonly (readonly [string, string])[] = [
    ...Object.entries(labels)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([label, count]) => [label, number(count, 0)] as const),
    ['Frames', number(frames, 0)],
    ['Answered', `${number(answered, 0)} (${number(framesPerSecond, 1)} a second)`],
    ['Dropped', number(dropped, 0)],
    ['Failed', number(failed, 0)],
    ['Latency', latencyP50Ms === null || latencyP99Ms === null ? '–' : `${duration(latencyP50Ms)}, p99 ${duration(latencyP99Ms)}`],
  ];
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
