/** Passed on to programs: where things are and how to speak, never anybody's AWS account. */
const PASSED =
  /^(PATH|HOME|USER|LOGNAME|LANG|LC_.*|TERM|TZ|TMPDIR|PIP_.*|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)$/;

/**
 * The environment for a program of the embedded cloud: what it needs of ours, and what is given. AWS settings of the
 * user are left out on purpose: nothing here may ever reach a real account.
 */
export const inheritedEnvironment = (
  given: Readonly<Record<string, string>>,
  environment: NodeJS.ProcessEnv = process.env,
): Record<string, string> => {
  const passed = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && PASSED.test(entry[0]),
  );
  return { ...Object.fromEntries(passed), ...given };
};

/** Credentials that open nothing anywhere but satisfy the SDKs, and settings that keep the user's own out. */
export const dummyAws = (endpoint: string, region: string): Record<string, string> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
});
