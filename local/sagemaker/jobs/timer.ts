/** Node's timers hold 24.8 days; SageMaker's limits are longer. */
export const setTimer = (action: () => void, milliseconds: number): NodeJS.Timeout =>
  milliseconds < 2 ** 31
    ? setTimeout(action, milliseconds)
    : setTimeout(() => setTimer(action, milliseconds - 2 ** 30), 2 ** 30);
