// score_photo PHOTO...: the quality of the faces of each photo, by libtinyfiqa.
//
//   rustc score_photo.rs -L native=FOLDER_OF_LIBTINYFIQA
use std::ffi::{c_char, c_int, CStr, CString};

const OK: i32 = 0;
const ALL_FACES: i32 = 1;
const MOST_FACES: usize = 16;

// The structures of tinyfiqa.h that are used here.

#[repr(C)]
struct Error {
    code: i32,
    message: [c_char; 800],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Face {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
    confidence: f32,
    landmarks: [f32; 10],
    framing: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Score {
    quality: f32,
    whole_quality: i32,
    band: i32,
    raw: f32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct ScoredFace {
    face: Face,
    score: Score,
}

#[repr(C)]
struct Search {
    detector: *const c_char,
    threshold: f32,
    smallest_face: f32,
    longest_side: i32,
    tiles: i32,
    quick: i32,
    threads: i32,
}

#[repr(C)]
struct ScorerOptions {
    weights: *const *const c_char,
    weight_count: usize,
    model: *const c_char,
    views: *const c_char,
    faces: i32,
    search: Search,
    precision: *const c_char,
}

/// tinyfiqa_scorer, which only the library looks into.
enum RawScorer {}

#[link(name = "tinyfiqa")]
extern "C" {
    fn tinyfiqa_scorer_create(options: *const ScorerOptions, scorer: *mut *mut RawScorer, error: *mut Error) -> i32;
    fn tinyfiqa_scorer_free(scorer: *mut RawScorer);
    fn tinyfiqa_score_file(
        scorer: *mut RawScorer,
        path: *const c_char,
        faces: *mut ScoredFace,
        capacity: usize,
        count: *mut usize,
        error: *mut Error,
    ) -> i32;
    fn tinyfiqa_band_name(band: c_int) -> *const c_char;
}

/// Calls a function that reports errors as the library does.
fn checked(call: impl FnOnce(*mut Error) -> i32) -> Result<(), String> {
    let mut error = Error { code: OK, message: [0; 800] };
    if call(&mut error) == OK {
        return Ok(());
    }
    Err(unsafe { CStr::from_ptr(error.message.as_ptr()) }.to_string_lossy().into_owned())
}

/// Frees its scorer at the end. For one thread at a time: Rust does not share what holds a raw pointer.
struct Scorer(*mut RawScorer);

impl Scorer {
    fn of_all_faces() -> Result<Scorer, String> {
        let mut options: ScorerOptions = unsafe { std::mem::zeroed() }; // zeros are the defaults
        options.faces = ALL_FACES;
        let mut scorer = std::ptr::null_mut();
        checked(|error| unsafe { tinyfiqa_scorer_create(&options, &mut scorer, error) })?;
        Ok(Scorer(scorer))
    }

    fn score(&mut self, path: &str) -> Result<Vec<ScoredFace>, String> {
        let path = CString::new(path).map_err(|e| e.to_string())?;
        let mut faces = vec![ScoredFace::default(); MOST_FACES];
        let mut count = 0;
        checked(|error| unsafe {
            tinyfiqa_score_file(self.0, path.as_ptr(), faces.as_mut_ptr(), faces.len(), &mut count, error)
        })?;
        faces.truncate(count);
        Ok(faces)
    }
}

impl Drop for Scorer {
    fn drop(&mut self) {
        unsafe { tinyfiqa_scorer_free(self.0) }
    }
}

fn main() -> Result<(), String> {
    let mut scorer = Scorer::of_all_faces()?;
    for path in std::env::args().skip(1) {
        let faces = scorer.score(&path)?;
        if faces.is_empty() {
            println!("{path}: no face");
        }
        for (i, face) in faces.iter().enumerate() {
            let score = &face.score;
            let band = unsafe { CStr::from_ptr(tinyfiqa_band_name(score.band)) }.to_string_lossy();
            println!("{path}: face {}: {} {band}, raw {}", i + 1, score.whole_quality, score.raw);
        }
    }
    Ok(())
}
