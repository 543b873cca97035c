import { Type } from 'typebox';
import { Agent, AgentDetail, EnrolledAgent, Name, page, strict } from '#contract';
import { route, type Route } from '../route.ts';
import { ById, paging } from '../shapes.ts';
import { pageOf } from './paging.ts';

const ByAgent = strict({ id: Type.String({ minLength: 1, maxLength: 200, description: 'its id or name' }) });

export const agentRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/agents',
    permission: 'read',
    tag: 'release',
    summary: 'Agents on other machines: what each serves, and how that stands to what its environment is to serve',
    query: strict({ ...paging, environment: Type.Optional(Name) }),
    answer: page(Agent),
    handle: async ({ fleet }, { query: { environment, ...query } }) => pageOf(await fleet.agents(environment), query, ({ id }) => id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/agents/:id',
    permission: 'read',
    tag: 'release',
    summary: 'An agent, with what it reported last and how its state changed',
    params: ByAgent,
    answer: AgentDetail,
    handle: ({ fleet }, { params }) => fleet.agent(params.id),
  }),
  route({
    method: 'POST',
    path: '/api/v1/agents',
    permission: 'administer',
    tag: 'release',
    summary: 'Enrols an agent for one environment; its token is shown this once',
    description: 'The public key comes with the token: what the agent is told later is checked against it, whoever is between.',
    body: strict({ name: Name, environment: Name }),
    answer: EnrolledAgent,
    status: 201,
    handle: ({ fleet }, { body, by }) => fleet.enrol({ ...body, by }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/agents/:id/revoke',
    permission: 'administer',
    tag: 'release',
    summary: 'Ends an agent’s token for good; what it serves, it goes on serving',
    params: ById,
    answer: Agent,
    handle: ({ fleet }, { params, by }) => fleet.revoke({ agent: params.id, by }),
  }),
];
