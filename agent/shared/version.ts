/** Version of the worker agent and of the control plane: the package's; a test compares the two. */
export const VERSION = '0.1.0';
