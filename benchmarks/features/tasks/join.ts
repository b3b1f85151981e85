import { featureColumns, joinHistorical, localFiles } from '../../../activities/datasets/historical';
import { FEATURE_NAMES, joinedView as view } from '../data';
import { runTask, timed } from './task';

export interface JoinRequest {
  frame: string;
  files: string[];
  warmUpFiles: string[];
  out: string;
  /** Where the join may spill. */
  folder: string;
}

/** Joins the frame with the view's partitions, from Parquet to Parquet. */
runTask(async ({ frame, files, warmUpFiles, out, folder }: JoinRequest) => {
  const columns = featureColumns(view.name, FEATURE_NAMES);
  const join = async (from: string[]): Promise<void> => {
    const views = [{ view, files: await localFiles(from), columns }];
    await joinHistorical({ frame, views, out, database: { temporaryFolder: folder } });
  };
  await join(warmUpFiles);
  return [await timed(() => join(files))];
});
