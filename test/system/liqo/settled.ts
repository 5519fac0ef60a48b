/**
 * A program in the place of another: the first answer to a question that says `answer` (a pattern of grep) is its answer
 * from then on. All else goes to the real one.
 */
export const settled = (real: string, question: string, answer: string): string => `said=/run/settled
[[ "$*" == *'${question}'* ]] || exec ${real} "$@"
if [[ ! -e $said.code ]]; then
  code=0
  ${real} "$@" >$said.out 2>$said.err || code=$?
  if ! cat $said.out $said.err | grep -q '${answer}'; then cat $said.out; cat $said.err >&2; exit $code; fi
  echo $code >$said.code
fi
cat $said.out; cat $said.err >&2; exit $(<$said.code)`;
