/** Whether AWS is played on this very machine. */
export const isEmbedded = ({ AWS_ENDPOINT_URL: endpoint }: NodeJS.ProcessEnv): boolean =>
  endpoint !== undefined && /^https?:\/\/(127\.|localhost[:/]|\[::1\])/.test(`${endpoint}/`);
