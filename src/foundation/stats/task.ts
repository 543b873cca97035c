/** What is predicted: one of two classes, one of several, or a number. */
export type TaskKind = 'binary' | 'multiclass' | 'regression';

/** An array or typed array of numbers, read only. */
export type NumberList = ArrayLike<number>;
