import { Type, type Static } from 'typebox';
import { Duration, oneOf, strict } from './common.ts';
import { MachineRequirements } from './requirements.ts';
import { RollSpec } from './rollout-spec.ts';

/** One environment as `gyre.yaml` has it. */
export const EnvironmentSpec = strict({
  certify: Type.Optional(oneOf(['qa'], { description: 'a version needs this role’s certification of its application tests here' })),
  approve: Type.Optional(oneOf(['approver'], { description: 'a version needs the approval of this role before it comes here' })),
  approvals: Type.Optional(Type.Integer({ minimum: 1, description: 'how many different people approve; default 1' })),
  executesCode: Type.Optional(
    Type.Boolean({
      description: 'whether models that execute code on load (a Python flavour, no ONNX graph) may come here; default false',
    }),
  ),
  warm: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 8,
      description: 'how many versions that were live before stay loaded, so that a rollback to them takes no loading; default 1',
    }),
  ),
  roll: Type.Optional(RollSpec),
  agents: Type.Optional(
    Type.Boolean({ description: 'whether agents on other machines serve it (`gyre agent`); default: a child process of `gyre up` does' }),
  ),
  agentsWait: Type.Optional(
    Type.Unsafe<string>({ ...Duration, description: 'how long a release waits for agents that are connected; default 30s' }),
  ),
  requires: Type.Optional(MachineRequirements),
  port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535, description: 'REST port of the data plane; 0 takes a free one' })),
  grpcPort: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 65535, description: 'its gRPC port; 0, which is the default, takes a free one' }),
  ),
});
export type EnvironmentSpec = Static<typeof EnvironmentSpec>;
