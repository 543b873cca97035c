import { Type, type Static } from 'typebox';
import { ModelName, Name, strict } from './common.ts';

/** A model of the manifest. */
export const ModelRef = strict({ name: ModelName, version: Type.String() });
export type ModelRef = Static<typeof ModelRef>;

const HeaderName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,60}$', description: 'a header, or gRPC metadata, in lower case' });

/** A model before or behind the one that the endpoint’s weights choose. */
export const ChainStep = strict({
  model: ModelRef,
  rename: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description:
        'input of the model → the tensor that it takes: an output of a model before it, or a tensor of the request; default: of the same name',
    }),
  ),
});
export type ChainStep = Static<typeof ChainStep>;

const routeMembers = {
  rules: Type.Optional(
    Type.Array(strict({ header: HeaderName, equals: Type.String(), model: ModelRef }), {
      description: 'requests whose header says so get this model; the first rule that fits counts, before the weights',
    }),
  ),
  sticky: Type.Optional(
    strict({
      header: Type.Optional(HeaderName),
      salt: Type.String({ description: 'another one deals keys anew' }),
    }),
  ),
  shadows: Type.Optional(
    Type.Array(strict({ model: ModelRef, sample: Type.Number({ exclusiveMinimum: 0, maximum: 1 }) }), {
      description: 'models that are asked as well, for this share of requests; what they say is compared, never answered',
    }),
  ),
  fallback: Type.Optional(
    strict({
      model: ModelRef,
      afterMs: Type.Optional(Type.Integer({ minimum: 1, description: 'it is asked when the model has not answered by then' })),
    }),
  ),
  before: Type.Optional(Type.Array(ChainStep, { description: 'models that run before the one that was chosen, in this order' })),
  after: Type.Optional(Type.Array(ChainStep, { description: 'models that run behind it' })),
};

/** How requests for an endpoint find their model. Requests that name a version get that version and nothing else. */
export const ManifestRoute = strict(routeMembers);
export type ManifestRoute = Static<typeof ManifestRoute>;

/** How requests find their model among those that are served by their place. */
export const LocalRoute = strict({
  ...routeMembers,
  endpoint: Type.Optional(Name),
  weights: Type.Optional(
    Type.Record(ModelName, Type.Number({ minimum: 0, maximum: 1 }), { description: 'model → its share; default: the first one has all' }),
  ),
});
export type LocalRoute = Static<typeof LocalRoute>;
