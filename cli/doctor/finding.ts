import { asCommandError } from '../errors.ts';

export type FindingStatus = 'ok' | 'warn' | 'fail';

/** What one check of `doctor` found; the remedy is empty when all is well. */
export interface Finding {
  readonly check: string;
  readonly status: FindingStatus;
  readonly detail: string;
  readonly remedy: string;
}

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail, remedy: '' });
export const warn = (check: string, detail: string, remedy: string): Finding => ({
  check,
  status: 'warn',
  detail,
  remedy,
});
export const fail = (check: string, detail: string, remedy: string): Finding => ({
  check,
  status: 'fail',
  detail,
  remedy,
});

/** A check that cannot be carried out is a finding as well, never the end of the examination. */
export const guarded = async (
  check: string,
  unable: 'warn' | 'fail',
  run: () => Promise<Finding[]>,
): Promise<Finding[]> => {
  try {
    return await run();
  } catch (error) {
    const { facts } = asCommandError(error);
    const detail = `could not be checked: ${facts.what}${facts.got === undefined ? '' : ` (${facts.got})`}`;
    return [{ check, status: unable, detail, remedy: facts.remedy }];
  }
};
