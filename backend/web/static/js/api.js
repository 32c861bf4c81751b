/**
 * The two requests of the page. Addresses are relative, so that the page also works below a path of a reverse proxy.
 */

/**
 * A click in image pixels; (0, 0) is the centre of the top left pixel.
 * @typedef {{x: number, y: number, role: "select" | "boundary"}} Click
 */

/**
 * @typedef {{image: string, width: number, height: number}} UploadAnswer
 */

/**
 * @typedef {object} SegmentAnswer
 * @property {number} width
 * @property {number} height
 * @property {number[]} runs run lengths, row by row, off and on in turn, beginning with off
 * @property {number} score
 * @property {{model: number, server: number}} ms
 * @property {string} model
 */

/** The server answered with an error, or did not answer at all. */
export class ApiError extends Error {
  /**
   * @param {string} message one line for the person in front of the page
   * @param {number} status HTTP status, 0 when no answer came
   * @param {string} [code] the server's word for errors that the page can act upon
   */
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<any>} the JSON of the answer
 */
async function post(path, options) {
  let response;
  try {
    response = await fetch(path, { method: "POST", ...options });
  } catch {
    throw new ApiError("The server does not answer. Check that it is running, then try again.", 0);
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  const message = body?.error ?? `The server answered ${response.status} ${response.statusText}.`.replace(" .", ".");
  throw new ApiError(message, response.status, body?.code);
}

/**
 * @param {Blob} photo the file as it is
 * @returns {Promise<UploadAnswer>}
 */
export function upload(photo) {
  // Forms and texts are refused from web pages, so a file that claims to be one goes without its type.
  const type = photo.type.startsWith("image/") ? photo.type : "application/octet-stream";
  return post("api/images", { body: photo, headers: { "Content-Type": type } });
}

/**
 * Ask for the mask of some clicks. The server keeps an image for a while only; when it has let go of it, the photo is
 * sent again and the question repeated once.
 * @param {string} image
 * @param {readonly Click[]} clicks
 * @param {Blob} photo
 * @returns {Promise<SegmentAnswer>}
 */
export async function segment(image, clicks, photo) {
  const options = { body: JSON.stringify({ image, clicks }), headers: { "Content-Type": "application/json" } };
  try {
    return await post("api/segment", options);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "image_unknown") throw error;
  }
  await upload(photo);
  return post("api/segment", options);
}
