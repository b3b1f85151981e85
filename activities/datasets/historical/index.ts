export { historicalQuery, type HistoricalJoin } from './join';
export { joinHistorical, localFiles, type JoinedFrame, type LocalJoin } from './local';
export { featureColumns, type AsKnown, type HistoricalView, type OfflineFile } from './types';
