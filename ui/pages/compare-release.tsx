import type { JSX } from 'preact';
import type { Deployment, EnvironmentState, ModelVersion } from '#contract';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { navigate } from '../lib/router.ts';
import { versionName, versions } from '../lib/versions.ts';

/** The page that says how two releases differ, each named by the id of a deployment or of a version. */
function diffPath(from: string, to: string): string {
  return `/release-diff?from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`;
}

/** Chooses what a deployment is compared with. */
export function CompareWith({ deployment }: { readonly deployment: string }): JSX.Element {
  return (
    <label class="side-choice">
      Compare with…{' '}
      <select value="" onChange={(event) => navigate(diffPath(event.currentTarget.value, deployment))}>
        <SideOptions but={deployment} />
      </select>
    </label>
  );
}

/** Leads from a version to how it differs from what is live, where something is. */
export function CompareWithLive({ version }: { readonly version: ModelVersion }): JSX.Element {
  const environments = useResource<PageOf<EnvironmentState>>('environments', ['deployment.']);
  return (
    <>
      {environments.data?.items.map(
        ({ name, live }) =>
          live !== undefined &&
          live.modelVersion !== version.id && (
            <a key={name} class="button" href={diffPath(live.id, version.id)}>
              Compare with {name}
            </a>
          ),
      )}
    </>
  );
}

/** Options of a choice: deployments, then versions. @param but a deployment that is left out */
export function SideOptions({ chosen, but }: { readonly chosen?: string | undefined; readonly but?: string }): JSX.Element {
  const deployments = useResource<PageOf<Deployment>>('deployments?limit=100', ['deployment.']);
  const items = (deployments.data?.items ?? []).filter(({ id, manifest }) => id !== but && manifest !== undefined);
  const registered = versions.value ?? [];
  const isListed = chosen === undefined || items.some(({ id }) => id === chosen) || registered.some(({ id }) => id === chosen);
  return (
    <>
      <option value="">choose</option>
      {!isListed && <option value={chosen}>{chosen}</option>}
      <optgroup label="Deployments">
        {items.map(({ id, environment, generation, modelVersion, state }) => (
          <option key={id} value={id}>
            {environment}, generation {generation}: {versionName(modelVersion)} ({state.replace('_', ' ')})
          </option>
        ))}
      </optgroup>
      <optgroup label="Versions">
        {registered.map(({ id, model, version, aliases }) => (
          <option key={id} value={id}>
            {model} version {version}
            {aliases.length > 0 && ` (${aliases.join(', ')})`}
          </option>
        ))}
      </optgroup>
    </>
  );
}
