import { describe, expect, it } from 'vitest';
import { readFailure } from '../../../cli/progress/failure.ts';
import { CapacityError } from '../../../lambda/shared/errors.ts';

describe('readFailure', () => {
  const error = new CapacityError({ what: 'no pool had capacity', got: 'ICE', remedy: 'offer more types' });
  const read = { error: 'CapacityError', message: 'no pool had capacity; got ICE', remedy: 'offer more types' };

  it('takes apart what a function threw', () => {
    const cause = JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: ['at x'] });

    expect(readFailure(error.name, cause)).toEqual(read);
  });

  it('takes apart what a Fail state says', () => {
    expect(readFailure(error.name, error.message)).toEqual(read);
  });

  it('leaves alone what is not ours', () => {
    expect(readFailure('States.Timeout', '')).toEqual({ error: 'States.Timeout', message: '', remedy: '' });
    expect(readFailure('', '[1]')).toEqual({ error: 'Unknown', message: '[1]', remedy: '' });
  });
});
