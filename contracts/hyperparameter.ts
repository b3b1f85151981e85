/** What ends a line for the expression `.*` that SageMaker holds values against, and what JSON leaves as it is. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g;

/** A hyperparameter as SageMaker and its training toolkit read it: JSON on one line. */
export const hyperparameterText = (value: string | number | boolean): string =>
  JSON.stringify(value).replace(
    LINE_ENDS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
