/** What the API tells of a media file, and how a page says it. */

import { percent } from "./format.js";

/**
 * @typedef {object} Media one media file as the API tells it (GET /media-files/{id})
 * @property {string} id
 * @property {string} title
 * @property {"UPLOADING" | "UPLOADED" | "PROCESSING" | "READY" | "FAILED"} status
 * @property {boolean} playable
 * @property {string | null} manifestUrl
 * @property {string | null} [dashUrl] the same film by MPEG-DASH
 * @property {string | null} ladderUrl
 * @property {number | null} duration seconds
 * @property {Record<string, number>} progress 0..1 by lane
 * @property {Rendition[]} renditions
 * @property {string | null} errorMessage
 * @property {string | null} series of an episode
 * @property {number | null} season
 * @property {number | null} episode
 * @property {boolean} hasArtwork
 * @property {number} createdAt seconds since the epoch
 * @property {string} [playUrl] a playlist for VLC and phones
 * @property {string} [originalUrl]
 * @property {boolean} hasTrickplay
 * @property {string | null} trickplayUrl the index of its stills
 * @property {import("./player/chapters.js").Chapter[]} chapters
 *
 * @typedef {object} Rendition
 * @property {string} name
 * @property {boolean} complete
 * @property {boolean} available
 * @property {number} [height]
 * @property {string} [language]
 * @property {string} [label]
 * @property {string} [lane]
 * @property {number} [progress] 0..1
 */

const PICTURE_WEIGHT = 0.9; // of the work; sound is made in a moment

/** How much of everything planned is made, 0..1. @param {Media} media @returns {number} */
export function overall(media) {
  const { ladder, ...others } = media.progress;
  const parts = Object.values(others);
  const rest = parts.reduce((sum, part) => sum + part, 0) / (parts.length || 1);
  if (ladder === undefined) return rest;
  return parts.length ? PICTURE_WEIGHT * ladder + (1 - PICTURE_WEIGHT) * rest : ladder;
}

/** @param {Media} media @returns {string} its name where nothing round it says the series */
export function fullTitle({ title, series, season, episode }) {
  return series === null ? title : [`${series} S${season} E${episode}`, title].filter(Boolean).join(" · ");
}

/** @param {Media} media @returns {string} what the badge says; "" for a film that is simply there */
export function badgeText(media) {
  if (media.status === "READY") return "";
  if (media.status === "FAILED") return "Could not be prepared";
  if (media.status === "UPLOADED") return "Waiting its turn";
  const done = overall(media);
  if (done >= 1) return media.playable ? "Ready to watch · last checks" : "Last checks";
  return `${media.playable ? "Ready to watch" : "Being prepared"} · ${percent(done)}`;
}

/**
 * What a rung that is not whole waits for: the background, or somebody who watches it.
 * @param {Media} media @param {string} name of a rendition @returns {string} "" for one that is whole
 */
export function making(media, name) {
  const made = media.renditions.find((rendition) => rendition.name === name)?.progress ?? 1;
  if (made >= 1) return "";
  return media.status === "READY" ? "made while you watch" : `being made · ${Math.floor(made * 100)} %`;
}
