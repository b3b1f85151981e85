export { askedTimes } from './frame';
export { getHistoricalFeatures, type HistoricalRequest } from './get';
export { historicalQuery, type HistoricalJoin } from './join';
export { joinHistorical, localFiles, type JoinedFrame, type LocalJoin } from './local';
export { pullVisible, type AskedTimes } from './partitions';
export { featureColumns, type AsKnown, type HistoricalView, type OfflineFile } from './types';
