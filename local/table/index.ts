export type { Estimator, Task } from './declare';
export { importTable, type ImportedTable, type TableRequest } from './import';
export { importTexts, type TextsRequest } from './import-texts';
