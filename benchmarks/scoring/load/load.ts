/** What the generator is asked for: POST requests over HTTP/1.1 with keep-alive. */
export interface LoadRequest {
  /** Where they go, `http://127.0.0.1:8080/v1/predict/churn`. */
  url: string;
  /** JSON, in turns. */
  bodies: readonly string[];
  connections: number;
  /** Calls at fixed moments, each timed from when it was due; null: each connection asks as soon as it has its answer. */
  callsASecond: number | null;
  /** Sent before, and not counted. */
  warmUpSeconds: number;
  seconds: number;
}

/** One value a call, in the order they were answered. */
export interface LoadAnswer {
  /** Milliseconds of the epoch at which the counted part began. */
  begin: number;
  seconds: number;
  /** Milliseconds since `begin` at which a call was answered. */
  at: Float64Array;
  /** Milliseconds that it took; of fixed rates, since it was due. */
  took: Float64Array;
  /** 1 for a call that was answered by 200, or is still not answered, 0 for one that failed. */
  ok: Uint8Array;
  /** Calls answered by anything but 200, or by a closed connection. */
  failed: number;
  /** What the first of these were. */
  failures: string[];
  /** Calls that were still not answered when the load ended, long after they were due; they count as having taken so long. */
  unanswered: number;
}
