/** The volume must not be served; the message is a sentence for the operator. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}
