// Why a pod cannot be as desired, in our words; and how something that takes long is told.

/** The engine did nothing wrong. */
export class PodFault extends Error {
  override name = "PodFault";
  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** Found by looking, before anything was made: looking again costs little. */
export class Obstacle extends PodFault {
  override name = "Obstacle";
}

export interface Progress {
  /** Something that takes long has begun, or has come further. */
  (reason: string, message: string): void;
}
