/** What the host room needs of the outside; `io` and `docker` implement these. */

export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
  readonly status: number
}

/** Runs a program with its arguments as they are, in bounded time. Fails with COMMAND_FAILED or MISSING_TOOL. */
export interface CommandRunner {
  run(
    argv: readonly string[],
    options?: { readonly input?: string; readonly timeoutMs?: number; readonly okStatuses?: readonly number[] },
  ): Promise<CommandResult>
}

/** Runs a program that goes on, and tells of it. */
export interface CommandWatcher {
  /** Starts it; returns how to end it, after which nothing is told any more. `onEnd`: it ended, or could not start. */
  watch(argv: readonly string[], events: { onOutput(output: string): void; onEnd(): void }): () => void
}

/** What a container engine says of one container. */
export interface ContainerView {
  /** 64 hex characters. */
  readonly id: string
  readonly name: string
  /** Empty when it is the one that the engine made up, or when another one is asked for. */
  readonly hostname?: string
  /** What the engine's own networks know it by. */
  readonly aliases?: readonly string[]
  /** The names that whoever started it asks for, as they were written. */
  readonly askedNames?: readonly string[]
  readonly isRunning: boolean
  /** The engine's word: `running`, `exited`, `created`, … */
  readonly state: string
  /** Of its first process, as this host sees it; 0 when it does not run. */
  readonly pid: number
  /** `bridge`, `none`, `host`, `container:<id>`, or a network's name. */
  readonly networkMode: string
  /** False when the engine is reached by TCP, so that it may be another machine's. */
  readonly isEngineLocal: boolean
}

/** Finds a container by id or name. Fails with TARGET_NOT_FOUND or DOCKER_UNREACHABLE. */
export interface ContainerLookup {
  inspect(idOrName: string): Promise<ContainerView>
}
