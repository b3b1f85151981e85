export { importSeries, type ImportedSeries, type SeriesRequest } from './import';
