/** Agents on the machine of the tests: enrolled, run as processes of their own, looked at as the platform sees them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Agent, AgentDetail, PredictAnswer } from '#contract';
import { done, eventually, start, type Place, type Running, type Up } from './gyre-fixture.ts';
import { edit } from './projects-fixture.ts';

/** Has agents serve production of a small project. @param more further members of the environment @param wait how long a release waits for them */
export function servedByAgents(project: string, more = '', wait = '30s'): Promise<void> {
  return edit(join(project, 'gyre.yaml'), (text) =>
    text.replace(/production: *\{/, `production: { agents: true, agentsWait: ${wait}${more}, `),
  );
}

/** Enrols an agent by the command line. @returns the file that is carried to its machine */
export async function enrol(place: Place, name: string, words: readonly string[] = []): Promise<string> {
  const file = join(place.cwd, `${name}.enrolment.json`);
  await done(['agent', 'enrol', name, '--environment', 'production', '--to', file, ...words], place);
  return file;
}

export interface RunningAgent extends AsyncDisposable {
  readonly running: Running;
  /** Where its data plane answers. */
  address(): Promise<string>;
}

/** Starts an agent whose data plane listens at any free port. */
export function startAgent(folder: string, words: readonly string[], how: Omit<Place, 'cwd'> = {}): RunningAgent {
  const running = start(
    ['agent', 'run', '--folder', 'agent', '--port', '0', '--grpc-port', '0', '--report-every', '1', '--longest-pause', '2', ...words],
    { ...how, cwd: folder, env: { GYRE_LOG_LEVEL: 'warn', ...how.env } },
  );
  return {
    running,
    address: async () => (await running.line(/serves generation \d+ at (http:\S+)/))[1],
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** Waits until the platform says that an agent is in a state. */
export async function becomes(house: Pick<Up, 'get'>, name: string, state: Agent['state'], withinMs = 90_000): Promise<AgentDetail> {
  let agent: AgentDetail | undefined;
  await eventually(
    `agent ${name} is ${state}`,
    async () => {
      agent = await house.get<AgentDetail>(`agents/${name}`);
      return agent.state === state;
    },
    withinMs,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(agent)}`);
  });
  return agent ?? assert.fail('there is no agent');
}

const row = { age: 30, plan: 'basic', income: 50_000, newsletter: true, spend: 80 };

/** Asks a data plane of a small project. */
export async function ask(address: string, token?: string): Promise<PredictAnswer> {
  const response = await fetch(`${address}/predict/shop`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ rows: [row] }),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as PredictAnswer;
}

/** Whether a prediction is on record. */
export async function isFiled(house: Pick<Up, 'get'>, id: string): Promise<boolean> {
  return house.get(`predictions/${id}`).then(
    () => true,
    () => false,
  );
}
