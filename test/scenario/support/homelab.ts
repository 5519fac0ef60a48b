/** The homelab of a cloud. */
export interface HomelabLine {
  /**
   * Cuts the line between Systems Manager and the homelab's node, or mends it. Everybody on that cloud loses it: for
   * clouds of one's own only. Where others are at work, aim at one worker with a fault instead.
   */
  setOnline(online: boolean): Promise<void>;
}

export const homelabOf = (endpoint: string): HomelabLine => ({
  async setOnline(online) {
    const answer = await fetch(`${endpoint}/_edge/homelab`, { method: 'POST', body: JSON.stringify({ online }) });
    if (!answer.ok) throw new Error(`the edge refused: ${await answer.text()}`);
  },
});
