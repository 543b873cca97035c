import { Type, type Static } from 'typebox';
import { strict } from './common.ts';

/** What the machine must have on which an environment’s data plane runs: looked at before each deployment. */
export const MachineRequirements = strict({
  cpu: Type.Optional(
    Type.Array(Type.String({ pattern: '^[a-z0-9_]{1,40}$' }), {
      description: 'features of the processor as /proc/cpuinfo names them, such as avx2',
      maxItems: 50,
    }),
  ),
  memoryMiB: Type.Optional(Type.Integer({ minimum: 1, description: 'memory that is free for a data plane' })),
  diskMiB: Type.Optional(Type.Integer({ minimum: 1, description: 'free on the disk that holds models and prediction log' })),
  onnxruntime: Type.Optional(
    Type.String({
      pattern: '^ *(>=|<=|>|<|=)? *[0-9]+(\\.[0-9]+){0,2}( +(>=|<=|>|<|=)? *[0-9]+(\\.[0-9]+){0,2})* *$',
      description: 'the version of ONNX Runtime, such as ">=1.20 <2"',
    }),
  ),
  ports: Type.Optional(
    Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), { description: 'ports that nobody else listens at', maxItems: 20 }),
  ),
  secrets: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
      description: 'what must be there: names of environment variables, or files by their absolute path',
      maxItems: 50,
    }),
  ),
  reach: Type.Optional(
    Type.Array(Type.String({ pattern: '^(https?://\\S+|[A-Za-z0-9.\\[\\]:_-]+:[0-9]{1,5})$', maxLength: 300 }), {
      description: 'what must answer: host:port, or an address of HTTP',
      maxItems: 20,
    }),
  ),
});
export type MachineRequirements = Static<typeof MachineRequirements>;
