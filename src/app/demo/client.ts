import type { IdentityInput, Identity, IssuedToken, PipelineRun } from '#contract';
import type { Client } from '#cli';
import { GyreError } from '#core';

export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** The people of the demo, each simulated, each with a client of its own. */
export interface Cast {
  readonly owner: Client;
  readonly scientist: Client;
  readonly qa: Client;
  readonly approver: Client;
  readonly operator: Client;
  readonly steward: Client;
}

export const people = {
  scientist: { name: 'sim-ada', roles: ['data-scientist', 'ml-engineer'] },
  qa: { name: 'sim-quentin', roles: ['qa'] },
  approver: { name: 'sim-olga', roles: ['approver'] },
  operator: { name: 'sim-otto', roles: ['operator'] },
  // the demo's traffic is made of real rows, with their personal columns
  steward: { name: 'sim-stella', roles: ['data-steward'] },
} as const satisfies Record<string, Pick<IdentityInput, 'name'> & { readonly roles: readonly Identity['roles'][number][] }>;

/** Makes the simulated identities where they are not there yet, and gives each a token of its own. */
export async function gatherCast(owner: Client, clientFor: (token: string) => Client): Promise<Cast> {
  const known = await owner.get<Page<Identity>>('identities');
  const clientOf = async (person: (typeof people)[keyof typeof people]): Promise<Client> => {
    const identity =
      known.items.find(({ name }) => name === person.name) ??
      (await owner.post<Identity>('identities', { name: person.name, roles: [...person.roles], simulated: true }));
    const issued = await owner.post<IssuedToken>(`identities/${identity.id}/tokens`, { label: 'demo' });
    return clientFor(issued.secret);
  };
  return {
    owner,
    scientist: await clientOf(people.scientist),
    qa: await clientOf(people.qa),
    approver: await clientOf(people.approver),
    operator: await clientOf(people.operator),
    steward: await clientOf(people.steward),
  };
}

/** Waits until a pipeline run has ended. @throws GyreError ABORTED naming the step that failed */
export async function waitForPipeline(client: Client, id: string, sleep: (ms: number) => Promise<void>): Promise<PipelineRun> {
  for (;;) {
    const run = await client.get<PipelineRun>(`pipeline-runs/${id}`);
    if (run.endedAt === undefined) {
      if (run.stalled !== undefined)
        throw new GyreError(
          'RESOURCE_EXHAUSTED',
          `pipeline run ${run.id} does not go on: ${run.stalled}; the next start takes it up again`,
        );
      await sleep(50);
      continue;
    }
    if (run.state === 'succeeded') return run;
    const failed = run.steps.find(({ state }) => state === 'failed');
    throw new GyreError(
      'ABORTED',
      `pipeline "${run.pipeline}" ended ${run.state}: ${failed === undefined ? 'no step failed' : `${failed.step}: ${failed.error ?? ''}`}`,
    );
  }
}
