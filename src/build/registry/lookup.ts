import type { ModelVersion } from '#contract';
import { GyreError } from '#core';
import type { Store } from '#store';
import { aliasOf, requiredModel, selectModels } from './models-store.ts';
import type { Registry } from './port.ts';
import { requiredVersion } from './required-version.ts';
import { searchModels, searchVersions } from './search-store.ts';
import {
  selectDeleted,
  selectNewestOfStages,
  hasTested,
  selectNumbered,
  selectVersions,
  versionsOfEarlierPackage,
} from './versions-store.ts';
import type { FoundVersion, VersionFilter } from './versions-store.ts';

type Lookups = Pick<
  Registry,
  | 'getModel'
  | 'listModels'
  | 'searchModels'
  | 'searchVersions'
  | 'listVersions'
  | 'get'
  | 'getById'
  | 'aliased'
  | 'byPackagePrefix'
  | 'byRun'
  | 'byLoggedModel'
  | 'newestOfStages'
  | 'location'
  | 'isGoverned'
>;

/** Finds models and versions. */
export interface Lookup extends Lookups {
  /** @throws GyreError NOT_FOUND naming the newest there is */
  numbered(model: string, version: number): Promise<ModelVersion>;
}

export function openLookup(store: Store): Lookup {
  const first = async (filter: VersionFilter): Promise<FoundVersion | undefined> =>
    (await store.read((db) => selectVersions(db, filter, 1)))[0];

  const getModel: Lookup['getModel'] = (name) => store.read((db) => requiredModel(db, name));
  const aliased: Lookup['aliased'] = (model, alias) =>
    store.read(async (db) => {
      const version = await aliasOf(db, model, alias);
      return version === undefined ? undefined : (await selectNumbered(db, model, version))?.version;
    });
  const foundByNumber = (model: string, version: number): Promise<FoundVersion> => store.read((db) => requiredVersion(db, model, version));
  const numbered: Lookup['numbered'] = async (model, version) => (await foundByNumber(model, version)).version;

  return {
    getModel,
    aliased,
    numbered,
    async getById(id) {
      const version = (await first({ id }))?.version ?? (await store.read((db) => selectDeleted(db, { id })))[0];
      if (version !== undefined) return version;
      throw new GyreError('NOT_FOUND', `there is no model version with the id "${id}"`, { id });
    },
    async listModels({ limit, after } = {}) {
      const size = pageSize(limit);
      const found = await store.read((db) => selectModels(db, size + 1, after));
      const items = found.slice(0, size);
      const last = items.at(-1);
      return { items, ...(found.length > size && last !== undefined ? { next: last.name } : {}) };
    },
    async listVersions({ limit, after, ...filter } = {}) {
      const size = pageSize(limit);
      const found = await store.read((db) => selectVersions(db, filter, size + 1, pagePosition(after)));
      const items = found.slice(0, size);
      const last = items.at(-1);
      return {
        items: items.map(({ version }) => version),
        ...(found.length > size && last !== undefined ? { next: String(last.position) } : {}),
      };
    },
    searchModels: (search) => store.read((db) => searchModels(db, search)),
    searchVersions: (search) => store.read((db) => searchVersions(db, search)),
    async get(model, version) {
      if (typeof version === 'number' || /^\d+$/.test(version)) return numbered(model, Number(version));
      if (version === 'latest') {
        const { latest } = await getModel(model);
        return numbered(model, latest ?? 0);
      }
      const found = await aliased(model, version);
      if (found !== undefined) return found;
      const { latest, aliases } = await getModel(model);
      const set = Object.keys(aliases);
      const right = `a number up to ${latest ?? 0}, "latest", or an alias that is set (${set.length === 0 ? 'none is' : set.join(', ')})`;
      throw new GyreError('NOT_FOUND', `model "${model}" has no version "${version}": ${right} is right`, { model, version });
    },
    async byPackagePrefix(prefix) {
      if (!/^[0-9a-f]{1,64}$/.test(prefix))
        throw new GyreError('INVALID_ARGUMENT', `"${prefix}" is no beginning of a package digest: lower-case hex digits are right`, {
          prefix,
        });
      return store.read(async (db) => {
        const now = [
          ...(await selectVersions(db, { packagePrefix: prefix }, 100)).map(({ version }) => version),
          ...(await selectDeleted(db, { packagePrefix: prefix })),
        ];
        const once: ModelVersion[] = [];
        for (const id of await versionsOfEarlierPackage(db, prefix)) {
          if (now.some((version) => version.id === id)) continue;
          once.push(...(await selectVersions(db, { id }, 1)).map(({ version }) => version), ...(await selectDeleted(db, { id })));
        }
        return [...now, ...once];
      });
    },
    byLoggedModel: async (model) =>
      (await store.read((db) => selectVersions(db, { loggedModel: model }, 1000))).map(({ version }) => version),
    async byRun(run) {
      return (await store.read((db) => selectVersions(db, { run }, 1000))).map(({ version }) => version);
    },
    newestOfStages: (models) => store.read((db) => selectNewestOfStages(db, models)),
    async location({ model, version }) {
      const found = await foundByNumber(model, version);
      return found.location ?? found.version.source;
    },
    isGoverned: (model) => store.read((db) => hasTested(db, model)),
  };
}

function pageSize(limit = 50): number {
  return Math.min(Math.max(1, Math.trunc(limit)), 1000);
}

function pagePosition(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  const position = Number(after);
  if (Number.isSafeInteger(position) && position > 0) return position;
  throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token: use the "next" of the page before`);
}
