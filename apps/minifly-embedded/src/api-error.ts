/** An answer that is not a success: Fly's code, Fly's text, and Fly's `status` word where it has one. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly status: number,
    message: string,
    readonly word?: 'name_taken',
  ) {
    super(message);
  }

  toBody(): { error: string; status?: string } {
    return { error: this.message, ...(this.word ? { status: this.word } : {}) };
  }
}

export const invalid = (text: string) => new ApiError(400, `invalid_argument: ${text}`);
export const refusedNow = (text: string) => new ApiError(412, `failed_precondition: ${text}`);
export const absent = (what: string) => new ApiError(404, `${what} not found`);
