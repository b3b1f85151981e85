export type Serially = <T>(work: () => Promise<T>) => Promise<T>;

/** Lets one piece of work run at a time: for what reads something and then writes what follows from it. */
export function createSerially(): Serially {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}
