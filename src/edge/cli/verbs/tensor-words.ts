import { tensorFromWords } from '#contract';
import type { ConvertedTensor } from '#contract';
import { GyreError } from '#core';

/** `image=FP32[N,3,96,96]`. @throws GyreError INVALID_ARGUMENT */
export function tensorNamed(text: string): ConvertedTensor {
  const tensor = tensorFromWords(text);
  if (tensor !== undefined) return tensor;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `--input ${text}: NAME=TYPE[N,…] is wanted, with BOOL, INT8 … INT64, UINT8 … UINT64, FP16, FP32 or FP64, and N for any number of rows`,
  );
}
