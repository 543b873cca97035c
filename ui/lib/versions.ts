import { computed, signal } from '@preact/signals';
import type { ModelVersion } from '#contract';
import { ApiError, get } from './api.ts';
import { onEvents } from './live.ts';
import type { Page } from './resource.ts';

/** Every registered version: other records name them by id, people by name and number. Undefined until they are known. */
export const versions = signal<readonly ModelVersion[] | undefined>(undefined);
const byId = computed(() => new Map((versions.value ?? []).map((version) => [version.id, version])));

/** The version of an id, where it is known. */
export function versionOf(id: string | undefined): ModelVersion | undefined {
  return id === undefined ? undefined : byId.value.get(id);
}

/** `churn version 2`; the end of its id while it is not known. */
export function versionName(id: string): string {
  const version = versionOf(id);
  return version === undefined ? `version …${id.slice(-6)}` : `${version.model} version ${version.version}`;
}

/** Keeps the versions up to date. @returns a function that stops it */
export function followVersions(): () => void {
  const refresh = async (): Promise<void> => {
    try {
      versions.value = (await get<Page<ModelVersion>>('model-versions?limit=1000')).items;
    } catch (error) {
      // Names stay as they were: the page that asks for a version itself says what failed.
      if (!(error instanceof ApiError)) throw error;
    }
  };
  void refresh();
  return onEvents(['model_version.', 'certification.', 'approval.'], () => void refresh());
}
