import type { ExplainAnswer, ExplainRequest } from '#contract';
import { GyreError } from '#core';
import type { ErrorCode } from '#core';
import type { Gatekeeper } from './gatekeeper.ts';
import { servedByAgents } from './planes.ts';
import { openPlaneClient } from './plane-client.ts';
import type { Release, ReleaseDeps } from './port.ts';
import { selectByState } from './release-store.ts';

/** Longer than any plane takes by default: it gives up first, and says why. */
const patienceMs = 120_000;

/** What a plane's status says of its refusal. */
const codes: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_ARGUMENT',
  404: 'NOT_FOUND',
  413: 'OUT_OF_RANGE',
  429: 'RESOURCE_EXHAUSTED',
  504: 'DEADLINE_EXCEEDED',
};

/** Explanations by what an environment serves: its data plane makes them. */
export function liveExplainer(deps: ReleaseDeps, keeper: Gatekeeper): Pick<Release, 'explain'> {
  return {
    explain: async ({ environment, request }) => {
      const target = keeper.environmentOf(environment);
      const live = await deps.store.read((db) => selectByState(db, target.name, 'live'));
      if (target.agents === true) throw servedByAgents(target.name, 'ask the data plane where it runs (POST /explain/…)');
      const address = deps.planes.address(target.name);
      if (live === undefined || address === undefined)
        throw new GyreError('FAILED_PRECONDITION', `nothing is served in "${target.name}": a version has to be rolled out there first`);
      using client = openPlaneClient({ address, endpoint: live.endpoint, timeoutMs: patienceMs, ...deps.planeAccess });
      const { status, body } = await client.post(
        `/explain/${encodeURIComponent(live.endpoint)}`,
        JSON.stringify(request satisfies ExplainRequest),
      );
      // The plane is of this very version, or one that answers by the same shape.
      if (status === 200) return body as ExplainAnswer;
      throw new GyreError(codes[status] ?? 'UNAVAILABLE', refusalOf(body) ?? `the data plane of "${target.name}" answered ${status}`);
    },
  };
}

function refusalOf(body: unknown): string | undefined {
  return typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string' ? body.error : undefined;
}
