/** Times are milliseconds inside and seconds in the API. */
export const seconds = (milliseconds: number): number => milliseconds / 1000;
