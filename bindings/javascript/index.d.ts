/** "reject": don't use the photo; "poor": take another one if possible; "fair": usable; "good". */
export type Band = "reject" | "poor" | "fair" | "good";
export type Framing = "photo" | "tight crop" | "aligned crop";
export type ChannelOrder = "rgb" | "bgr" | "rgba" | "bgra" | "grey";
/** x, y, width, height in pixels of the upright image; it may reach beyond the image. */
export type Box = [number, number, number, number];
export type Point = [number, number];

export type ErrorCode =
  | "not_found" | "unreadable" | "bad_format" | "unsupported" | "mismatch" | "not_finite" | "bad_argument" | "too_large"
  | "out_of_memory" | "in_use" | "closed";

export class TinyfiqaError extends Error {
  constructor(code: ErrorCode, message: string);
  readonly code: ErrorCode;
}

/** 8-bit pixels without gaps between rows. RGBA, the default order, is laid on white. */
export interface Pixels {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  order?: ChannelOrder;
}

/** In Node.js: Pixels. In browsers also the bytes of a file, and what a canvas can draw. */
export type ImageSource =
  | Pixels | ImageData | Blob | ArrayBuffer | ImageBitmap | HTMLImageElement | HTMLCanvasElement | HTMLVideoElement
  | OffscreenCanvas;

export interface Face {
  box: Box;
  /** Of the detector, 0..1. */
  confidence: number;
  /** Left eye, right eye, nose, left and right corner of the mouth, as seen in the image. */
  landmarks: [Point, Point, Point, Point, Point];
  framing: Framing;
}

export interface Score {
  /** 0..100, higher is better; null for a network without calibration. */
  quality: number | null;
  band: Band | null;
  /** The output of the network. */
  raw: number;
  /** The quality before it was rounded. */
  exactQuality: number | null;
}
export interface ScoredFace extends Score {
  face: Face;
}
export interface ScoredKnownFace extends Score {
  face: null;
}

export interface SearchOptions {
  /** Least confidence, between 0 and 1; default 0.6. */
  threshold?: number;
  /** Least height of a face in pixels of the image. */
  smallestFace?: number;
  /** The image is searched at this size; default 640. */
  longestSide?: number;
  /** Search also parts of that size at full resolution, for small faces in large images. */
  tiles?: boolean;
  /** If nothing is found, don't search again for turned faces and close-ups. */
  quick?: boolean;
}
export interface ScorerOptions extends SearchOptions {
  /** "whole": nothing is searched, images are crops of faces. Default "largest". */
  faces?: "largest" | "all" | "whole";
}

/** Milliseconds of the last call. `faces`: of each score. */
export interface Times {
  decode: number;
  detect: number;
  faces: number[];
}

export class Detector {
  private constructor();
  static create(options?: SearchOptions): Promise<Detector>;
  /** The faces of an image, largest first. */
  detect(image: ImageSource): Promise<Face[]>;
  readonly times: Times;
  /** Frees the memory. */
  close(): void;
}

export class Scorer {
  private constructor();
  static create(options?: ScorerOptions): Promise<Scorer>;
  /** The score of the largest face, or null if there is no face. */
  score(image: ImageSource): Promise<ScoredFace | null>;
  /** The scores of the faces that were asked for, largest first. */
  scoreAll(image: ImageSource): Promise<ScoredFace[]>;
  /** The score of one face whose place is known. With neither box nor landmarks, the image is a crop of the face. */
  scoreKnownFace(image: ImageSource, place?: { box?: Box; landmarks?: Point[] }): Promise<ScoredKnownFace>;
  /** The lowest quality of the bands poor, fair and good. */
  readonly bands: [number, number, number];
  readonly times: Times;
  /** Frees the memory. */
  close(): void;
}
