import { mlDomain } from '../model.ts';
import { cast, concat, flatten, gather, identity, reshape } from './arranging.ts';
import { constant } from './folding.ts';
import { gemm, matMul } from './dense.ts';
import { calculation, clip, comparison, isNaNOf, junction, not, unary, where } from './elementwise.ts';
import { argMax, softmax } from './softmax.ts';
import { labelEncoder } from './coding.ts';
import { linearClassifier, linearRegressor } from './linear.ts';
import { imputer, normalizer, oneHotEncoder, scaler } from './preparing.ts';
import { sigmoid } from './sigmoid.ts';
import { treeClassifier } from './tree-classifier.ts';
import { treeRegressor } from './trees.ts';
import type { Operator } from './values.ts';

/** What is known to compute, by domain and operator. */
const operators: Readonly<Record<string, Readonly<Record<string, Operator>>>> = {
  '': {
    Abs: unary('Abs'),
    Add: calculation('Add'),
    And: junction('And'),
    ArgMax: argMax,
    Cast: cast,
    Ceil: unary('Ceil'),
    Clip: clip,
    Concat: concat,
    Constant: constant,
    Div: calculation('Div'),
    Equal: comparison('Equal'),
    Flatten: flatten,
    Floor: unary('Floor'),
    Gather: gather,
    Gemm: gemm,
    Greater: comparison('Greater'),
    GreaterOrEqual: comparison('GreaterOrEqual'),
    Identity: identity,
    IsNaN: isNaNOf,
    Less: comparison('Less'),
    LessOrEqual: comparison('LessOrEqual'),
    MatMul: matMul,
    Mul: calculation('Mul'),
    Neg: unary('Neg'),
    Not: not,
    Or: junction('Or'),
    Reshape: reshape,
    Sigmoid: sigmoid,
    Softmax: softmax,
    Sqrt: unary('Sqrt'),
    Sub: calculation('Sub'),
    Where: where,
  },
  [mlDomain]: {
    Imputer: imputer,
    LabelEncoder: labelEncoder,
    LinearClassifier: linearClassifier,
    LinearRegressor: linearRegressor,
    Normalizer: normalizer,
    OneHotEncoder: oneHotEncoder,
    Scaler: scaler,
    TreeEnsemble: treeRegressor,
    TreeEnsembleClassifier: treeClassifier,
    TreeEnsembleRegressor: treeRegressor,
  },
};

export function operatorOf(domain: string, opType: string): Operator | undefined {
  const ofDomain = Object.hasOwn(operators, domain) ? operators[domain] : {};
  return Object.hasOwn(ofDomain, opType) ? ofDomain[opType] : undefined;
}
