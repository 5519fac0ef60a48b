/** What the shell sees; listed in `--help`. */
export const EXIT = {
  ok: 0,
  /** The operation was carried out and failed. */
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  /** Configuration or credentials. */
  setup: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP = `Exit codes:
  0    done
  1    the operation failed
  2    wrong usage or bad input
  3    not found
  4    conflict: the name is in use with other parameters
  5    configuration or credentials
  130  interrupted`;
