import { mlDomain } from '../model.ts';
import { calculation, comparison } from './arithmetic.ts';
import { cast, concat, flatten, gather, identity, reshape } from './arranging.ts';
import { sigmoid } from './sigmoid.ts';
import { treeRegressor } from './trees.ts';
import type { Operator } from './values.ts';

/** What is known to compute, by domain and operator. */
const operators: Readonly<Record<string, Readonly<Record<string, Operator>>>> = {
  '': {
    Add: calculation('Add'),
    Cast: cast,
    Concat: concat,
    Div: calculation('Div'),
    Equal: comparison('Equal'),
    Flatten: flatten,
    Gather: gather,
    Greater: comparison('Greater'),
    GreaterOrEqual: comparison('GreaterOrEqual'),
    Identity: identity,
    Less: comparison('Less'),
    LessOrEqual: comparison('LessOrEqual'),
    Mul: calculation('Mul'),
    Reshape: reshape,
    Sigmoid: sigmoid,
    Sub: calculation('Sub'),
  },
  [mlDomain]: {
    TreeEnsembleRegressor: treeRegressor,
  },
};

export function operatorOf(domain: string, opType: string): Operator | undefined {
  const ofDomain = Object.hasOwn(operators, domain) ? operators[domain] : {};
  return Object.hasOwn(ofDomain, opType) ? ofDomain[opType] : undefined;
}
