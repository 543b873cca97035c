import { Check } from 'typebox/schema';
import { GyreError } from '#core';
import type { ErrorCode } from '#core';
import { PredictAnswer } from '#contract';
import type { EndpointState, EnvironmentState } from '#contract';
import { pendingOf } from './manifest.ts';
import { servedByAgents } from './planes.ts';
import { openPlaneClient } from './plane-client.ts';
import type { Release, ReleaseDeps } from './port.ts';
import type { Switch } from './switch.ts';

const requestTimeoutMs = 30_000;

/** What answers in each environment, and how to ask it. */
export function endpointVerbs(
  deps: ReleaseDeps,
  environments: Release['environments'],
  { readManifest }: Pick<Switch, 'readManifest'>,
): Pick<Release, 'endpoints' | 'predict'> {
  const endpointOf = async ({ name, endpoint, address, grpcAddress, agents, live }: EnvironmentState): Promise<EndpointState> => {
    const figures = address === undefined ? undefined : await deps.planes.figures?.(name);
    const manifest = live?.manifest === undefined ? undefined : (await readManifest(live.manifest)).manifest;
    const settings = deps.settings();
    const isMonitored = settings.environments.find((one) => one.name === name)?.certify === undefined;
    return {
      environment: name,
      endpoint,
      ...(address === undefined ? {} : { address }),
      ...(grpcAddress === undefined ? {} : { grpcAddress }),
      ...(agents === undefined ? {} : { agents: { enrolled: agents.enrolled, inStep: agents.inStep } }),
      ...(live === undefined ? {} : { live }),
      ...(manifest === undefined
        ? {}
        : {
            ...(manifest.route === undefined ? {} : { route: manifest.route }),
            limits: manifest.limits,
            log: manifest.log,
            ...(manifest.execution === undefined ? {} : { execution: manifest.execution }),
            outliers: manifest.models.every(({ files }) => files.some(({ path }) => path === 'outliers.onnx')),
            pending: [...pendingOf(manifest, settings, isMonitored)],
          }),
      ...(figures === undefined ? {} : { figures }),
    };
  };
  return {
    endpoints: async () => Promise.all((await environments()).map(endpointOf)),
    predict: async (environment, request) => {
      const found = (await environments()).find(({ name }) => name === environment);
      if (found === undefined) throw new GyreError('NOT_FOUND', `there is no environment "${environment}"`, { environment });
      if (found.agents !== undefined) throw servedByAgents(environment, 'nobody here can ask it: ask the data plane where it runs');
      if (found.address === undefined)
        throw new GyreError('FAILED_PRECONDITION', `nothing is served in "${environment}": a version has to be rolled out there first`, {
          environment,
        });
      using client = openPlaneClient({
        address: found.address,
        endpoint: found.endpoint,
        timeoutMs: requestTimeoutMs,
        ...deps.planeAccess,
      });
      const answer = await client.post(`/predict/${encodeURIComponent(found.endpoint)}`, JSON.stringify(request));
      if (answer.status === 200 && Check(PredictAnswer, answer.body)) return answer.body;
      throw refusalOf(answer.status, answer.body);
    },
  };
}

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_ARGUMENT',
  404: 'NOT_FOUND',
  413: 'OUT_OF_RANGE',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** What a data plane refused, in its own words. */
function refusalOf(status: number, body: unknown): GyreError {
  const said =
    typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string' ? body.error : JSON.stringify(body);
  return new GyreError(codeOfStatus[status] ?? 'UNAVAILABLE', `the data plane answered ${status}: ${said}`, { status });
}
