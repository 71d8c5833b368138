// Where the time went between a visitor's last word and the first sound of the answer.

/**
 * @param {Object} told the server's `antiphon.latency`
 * @param {number} later milliseconds between the sound the server had heard then and the answer in
 *   the visitor's ear; NaN where unknown
 * @returns {Object} milliseconds from the last word, null where unknown
 */
export function milestones(told, later) {
  const since = (ms) => (ms === null || ms === undefined ? null : ms - told.speech_end_ms);
  const sent = told.voice_to_voice_ms;
  return {
    silence: since(told.soft_end_ms),
    turn: since(told.turn_end_ms),
    made: since(told.first_piece_ms),
    sent,
    heard: Number.isNaN(later) ? null : Math.round(sent + later),
  };
}
