import type { JSX } from 'preact';
import type { DatasetIngestion } from '#contract';
import { send } from '../lib/api.ts';
import { datasetPath } from '../lib/records.ts';
import { useResource } from '../lib/resource.ts';
import type { ProjectView } from '../lib/shapes.ts';
import { Action } from '../parts/action.tsx';
import { Card, Load } from '../parts/page.tsx';

type Source = ProjectView['project']['data'][string]['source'];

/** A source in a few words. Joins are made by pipeline runs: they have none that could be read by itself. */
function sourceWords(source: Source): string | undefined {
  if (typeof source === 'string') return source;
  if ('images' in source) return `${source.images}/`;
  if ('files' in source) return source.files;
  if ('join' in source) return undefined;
  return Object.keys(source)[0];
}

/** The datasets that the project names, each with the button that reads its source. */
export function IngestCard({ running }: { readonly running: readonly DatasetIngestion[] }): JSX.Element {
  const project = useResource<ProjectView>('project', ['project.loaded']);
  return (
    <Card title="Sources of gyre.yaml" wide says="What stands as it stood is not read again.">
      <Load of={project} what="The project">
        {({ project: { data } }) => (
          <ul class="sources">
            {Object.entries(data).map(([name, { source }]) => {
              const words = sourceWords(source);
              return (
                <li key={name}>
                  <span>
                    <a href={datasetPath(name)}>{name}</a> <span class="quiet">{words ?? 'joined from others, by a pipeline run'}</span>
                  </span>
                  {words !== undefined && (
                    <Action
                      label="Ingest"
                      permission="build"
                      missing={running.some(({ dataset }) => dataset === name) ? ['It is being read.'] : []}
                      explain={<p>Reads “{name}” in the background. What is new becomes a version with its quality report.</p>}
                      act={() => send('POST', 'dataset-ingestions', { dataset: name })}
                    />
                  )}
                </li>
              );
            })}
          </ul>
        )}
      </Load>
    </Card>
  );
}
