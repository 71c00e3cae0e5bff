/** A canvas that lies exactly over the picture, and a call for each frame that is shown. */

/** @typedef {{ left: number, top: number, width: number, height: number }} Box in CSS pixels, of the video element */

/** Where the picture is in its element: `object-fit: contain` leaves bars. @param {HTMLVideoElement} video @returns {Box} */
export function pictureBox(video) {
  const { clientWidth, clientHeight, videoWidth, videoHeight } = video;
  const scale = Math.min(clientWidth / (videoWidth || clientWidth), clientHeight / (videoHeight || clientHeight)) || 1;
  const width = Math.round((videoWidth || clientWidth) * scale);
  const height = Math.round((videoHeight || clientHeight) * scale);
  return { left: Math.round((clientWidth - width) / 2), top: Math.round((clientHeight - height) / 2), width, height };
}

/** @param {HTMLVideoElement} video @returns {HTMLCanvasElement} over the picture once `place` has been called */
export function canvasOver(video) {
  const canvas = Object.assign(document.createElement("canvas"), { className: "subtitle-canvas" });
  video.after(canvas);
  return canvas;
}

/** @param {HTMLCanvasElement} canvas @param {Box} box */
export function place(canvas, box) {
  for (const side of /** @type {const} */ (["left", "top", "width", "height"])) canvas.style[side] = `${box[side]}px`;
}

/**
 * @param {HTMLVideoElement} video
 * @param {(seconds: number) => void} draw told for each new frame, each jump and each change of size
 * @returns {() => void} stops it
 */
export function eachFrame(video, draw) {
  const now = () => draw(video.currentTime);
  const events = ["seeked", "timeupdate", "loadedmetadata", "resize"];
  for (const event of events) video.addEventListener(event, now);
  const sizes = new ResizeObserver(now);
  sizes.observe(video);
  let handle = 0;
  const onFrame = (/** @type {number} */ _at, /** @type {{ mediaTime: number }} */ { mediaTime }) => {
    draw(mediaTime);
    handle = video.requestVideoFrameCallback(onFrame);
  };
  if ("requestVideoFrameCallback" in video) handle = video.requestVideoFrameCallback(onFrame);
  return () => {
    for (const event of events) video.removeEventListener(event, now);
    sizes.disconnect();
    if ("cancelVideoFrameCallback" in video) video.cancelVideoFrameCallback(handle);
  };
}
