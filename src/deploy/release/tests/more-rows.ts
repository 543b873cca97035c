import type { ApplicationTestReport, Charter, Check, JudgedVersion, TestReport } from '#contract';
import { hasCode, messageOf } from '#core';
import type { ScoringModel } from '#evaluation';
import type { ReferenceRows } from '../application-tests.ts';
import type { PlaneClient } from '../plane-client.ts';
import type { ReleaseDeps } from '../port.ts';
import type { ToCompare } from './full.ts';
import { type Champion, type LoggedRequests, productionFindings } from './production.ts';
import type { Unasked } from './requirements.ts';
import { validationFindings, validationSets } from './validation.ts';

export interface MoreRowsInput {
  readonly deps: Pick<ReleaseDeps, 'blobs' | 'versions' | 'reports' | 'settings' | 'newestVersion' | 'requests' | 'sleep'>;
  readonly client: PlaneClient;
  readonly version: JudgedVersion;
  readonly model: ScoringModel;
  readonly report: TestReport;
  readonly reference: ReferenceRows;
  readonly charter: Charter;
  readonly personal: readonly string[];
  /** The version in production, or why it is not compared with. */
  readonly champion: () => Promise<ToCompare>;
}

export interface MoreRowsFindings extends Pick<ApplicationTestReport, 'validation' | 'production'> {
  readonly checks: readonly Check[];
  readonly unasked: Unasked;
}

/** Requests that rows are drawn from. */
const newestRequests = 5000;

/** What a version says of other rows than those of its test report: further datasets, and what production was asked. */
export async function moreRowsFindings(input: MoreRowsInput): Promise<MoreRowsFindings> {
  const { deps, client, version, model, report, charter, personal } = input;
  const settings = deps.settings();
  const slices = settings.slices ?? [];
  const named = await Promise.all(
    Object.entries(settings.validation ?? {}).map(async ([name, { gates = [] }]) => {
      const dataset = await deps.newestVersion(name);
      return { name, gates, ...(dataset === undefined ? {} : { dataset }) };
    }),
  );
  const { unasked, validation, ...validated } = await validationFindings({
    client,
    version,
    model,
    blobs: deps.blobs,
    unseenRows: (judged, dataset) => deps.reports.unseenRows(judged, dataset),
    sets: validationSets(report, named),
    charter,
    slices,
    personal,
  });
  const asked = await ofProduction(input, slices);
  return {
    ...(validation.length === 0 ? {} : { validation: [...validation] }),
    ...(asked.production === undefined ? {} : { production: asked.production }),
    checks: [...validated.checks, ...asked.checks],
    unasked: { ...unasked, ...asked.unasked },
  };
}

async function ofProduction({ deps, client, version, model, reference, personal, champion }: MoreRowsInput, slices: readonly string[]) {
  const { environments, endpoint, log, production: limits } = deps.settings();
  const production = environments.at(-1);
  if (deps.requests === undefined || production === undefined || production.certify !== undefined)
    return { checks: [], unasked: { production: 'no environment serves customers' } };
  const columns = version.signature.inputs.map(({ name, type }) => ({ name, type }));
  let requests: LoggedRequests;
  try {
    requests = await deps.requests({ environment: production.name, endpoint, columns, limit: newestRequests });
  } catch (error) {
    // Requests to a version that took other types.
    if (hasCode(error, 'INVALID_ARGUMENT'))
      return { checks: [], unasked: { production: `what production was sent cannot be asked of it: ${messageOf(error)}` } };
    throw error;
  }
  return productionFindings({
    client,
    version,
    model,
    requests,
    champion: async (): Promise<Champion> => {
      const there = await champion();
      if ('why' in there) return there;
      return { version: there.version, model: await deps.reports.openModel(await deps.versions.modelSource(there.version)) };
    },
    donors: reference.rows,
    hidden: [...new Set([...(log?.mask ?? []), ...personal])],
    slices,
    limits,
    sleep: deps.sleep,
  });
}
