import { Type } from 'typebox';
import type { Principal } from '#access';
import { ReleaseDiff, strict } from '#contract';
import { GyreError, hasCode } from '#core';
import type { SideOf } from '#governance';
import type { Rooms } from '../port.ts';
import { route, type Route } from '../route.ts';
import { requireModel } from './batch-rights.ts';
import { readableVersion } from './readable-version.ts';

const Side = Type.String({
  minLength: 1,
  maxLength: 300,
  description:
    'a deployment by its id or as environment@generation, what is live in an environment by its name, or a version by its id or as name@version',
});

export const releaseDiffRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/release-diff',
    permission: 'read',
    tag: 'release',
    summary:
      'How two releases differ, or a version and what is live: model, data, code, parameters, metrics, signature, tests, sign-offs, settings',
    query: strict({
      from: Side,
      to: Side,
      paired: Type.Optional(Type.Boolean({ description: 'ask both on the same rows as well, which takes a while; default false' })),
    }),
    answer: ReleaseDiff,
    handle: async (rooms, { query: { from, to, paired = false }, principal }) =>
      rooms.governance.releaseDiff({ from: await sideOf(rooms, principal, from), to: await sideOf(rooms, principal, to), paired }),
  }),
];

/** @throws GyreError NOT_FOUND, PERMISSION_DENIED where the caller may not read its model */
async function sideOf(rooms: Rooms, principal: Principal, reference: string): Promise<SideOf> {
  const deployment = await deploymentOf(rooms, reference);
  if (deployment === undefined) return { modelVersion: (await readableVersion(rooms, principal, reference)).id };
  await requireModel(rooms, principal, (await rooms.registry.getById(deployment.modelVersion)).model);
  return { deployment: deployment.id };
}

async function deploymentOf(
  { release }: Rooms,
  reference: string,
): Promise<{ readonly id: string; readonly modelVersion: string } | undefined> {
  const [, name = reference, generation] = /^([^@/]+)@(\d+)$/.exec(reference) ?? [];
  const environment = (await release.environments()).find((one) => one.name === name);
  if (environment === undefined) {
    try {
      return await release.getDeployment(reference);
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }
  const found = generation === undefined ? environment.live : await release.deploymentOf(name, Number(generation));
  if (found !== undefined) return found;
  throw new GyreError(
    'NOT_FOUND',
    generation === undefined
      ? `nothing is live in "${name}"`
      : `"${name}" has no deployment of generation ${generation}; gyre release history lists them`,
    { environment: name },
  );
}
