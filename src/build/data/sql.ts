import type { DatasetVersion } from '#contract';
import { GyreError, asSha256 } from '#core';
import { parquetInfo, runSql } from '#tables';
import type { SqlResult, SqlTable } from '#tables';
import { listVersions } from './data-store.ts';
import { shownColumn } from './masking.ts';
import type { MaskedColumns } from './masking.ts';
import type { DataDeps } from './port.ts';
import { findVersion } from './versions.ts';

export interface SqlQuery {
  readonly sql: string;
  /** Dataset → version that its bare name means; the newest one without it. */
  readonly versions?: Readonly<Record<string, string>>;
  /** 1,000 without it, at most 10,000. */
  readonly maxRows?: number;
  /** 10,000 without it, at most 60,000. */
  readonly timeoutMs?: number;
  /** The columns of a version that the reader may not see: they are masked before the query sees them. */
  readonly masked?: (version: DatasetVersion) => MaskedColumns | Promise<MaskedColumns>;
  readonly signal?: AbortSignal;
}

export interface SqlAnswer extends SqlResult {
  /** What each name meant. */
  readonly tables: readonly { readonly name: string; readonly version: DatasetVersion; readonly masked: readonly string[] }[];
}

const memoryLimitMib = 512;
const processMib = 1024;
const answerBytes = 8 * 2 ** 20;
/** Queries that run at once; each has a process of its own. */
const mostAtOnce = 2;
const mostWaiting = 16;

/** Runs queries, a few at a time. */
export function sqlRunner(deps: DataDeps): (query: SqlQuery) => Promise<SqlAnswer> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (query) => {
    if (running >= mostAtOnce) {
      if (waiting.length >= mostWaiting)
        throw new GyreError('RESOURCE_EXHAUSTED', `${mostAtOnce} queries run and ${mostWaiting} wait: try again`, { retryAfterMs: 1000 });
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    running++;
    try {
      return await answer(deps, query);
    } finally {
      running--;
      waiting.shift()?.();
    }
  };
}

async function answer(deps: DataDeps, query: SqlQuery): Promise<SqlAnswer> {
  const { sql, versions = {}, maxRows = 1000, timeoutMs = 10_000, masked = () => new Set<string>(), signal } = query;
  const named: { name: string; version: DatasetVersion; masked: readonly string[] }[] = [];
  const tablesOf = async (names: readonly string[]): Promise<SqlTable[]> => {
    const tables: SqlTable[] = [];
    for (const name of names) {
      const version = await versionNamed(deps, name, versions);
      const path = await deps.blobs.localPath(asSha256(version.rowsDigest), { verify: true });
      const { schema } = await parquetInfo(path);
      const hidden = await masked(version);
      tables.push({ name, path, projection: schema.map((column) => shownColumn(column, hidden)).join(', ') });
      named.push({ name, version, masked: schema.map((column) => column.name).filter((column) => hidden.has(column)) });
    }
    return tables;
  };
  const limits = { maxRows, maxBytes: answerBytes, memoryLimitMib, processMib, timeoutMs, ...(signal === undefined ? {} : { signal }) };
  return { ...(await runSql(sql, tablesOf, limits)), tables: named };
}

/** What a table's name means: `customers` its newest version that is no part of a split, `customers@702a45d5` that one. */
export async function versionNamed(
  deps: Pick<DataDeps, 'store'>,
  name: string,
  versions: Readonly<Record<string, string>> = {},
): Promise<DatasetVersion> {
  const at = name.lastIndexOf('@');
  const dataset = at < 0 ? name : name.slice(0, at);
  const digest = at < 0 ? versions[name] : name.slice(at + 1);
  if (digest !== undefined) {
    const found = await findVersion(deps, digest);
    if (found.dataset === dataset) return found;
    throw new GyreError('NOT_FOUND', `version ${digest} is one of "${found.dataset}", not of "${dataset}"`, { dataset, version: digest });
  }
  const [newest] = await deps.store.read((db) => listVersions(db, { dataset, part: null }, 1, undefined));
  if (newest) return newest.version;
  throw new GyreError('NOT_FOUND', `there is no dataset "${dataset}"; \`gyre data ls\` lists them`, { dataset });
}
