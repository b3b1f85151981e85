export { importTable, type ImportedTable, type TableRequest } from './import';
