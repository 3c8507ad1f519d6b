// score_photo PHOTO...: the quality of the faces of each photo, by libtinyfiqa.
//
//	CGO_CFLAGS="$(pkg-config --cflags tinyfiqa)" CGO_LDFLAGS="$(pkg-config --libs tinyfiqa)" go build score_photo.go
package main

/*
#cgo LDFLAGS: -ltinyfiqa
#include <stdlib.h>
#include <tinyfiqa.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"unsafe"
)

const mostFaces = 16

// A Scorer is for one goroutine at a time.
type Scorer struct{ scorer *C.tinyfiqa_scorer }

func NewScorer() (*Scorer, error) {
	var options C.tinyfiqa_scorer_options // zeros are the defaults
	options.faces = C.TINYFIQA_ALL_FACES
	var s Scorer
	var problem C.tinyfiqa_error
	if C.tinyfiqa_scorer_create(&options, &s.scorer, &problem) != C.TINYFIQA_OK {
		return nil, errors.New(C.GoString(&problem.message[0]))
	}
	return &s, nil
}

func (s *Scorer) Close() { C.tinyfiqa_scorer_free(s.scorer) }

// Score returns the faces of a photo, largest first.
func (s *Scorer) Score(path string) ([]C.tinyfiqa_scored_face, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	faces := make([]C.tinyfiqa_scored_face, mostFaces)
	var count C.size_t
	var problem C.tinyfiqa_error
	if C.tinyfiqa_score_file(s.scorer, name, &faces[0], mostFaces, &count, &problem) != C.TINYFIQA_OK {
		return nil, errors.New(C.GoString(&problem.message[0]))
	}
	return faces[:min(int(count), mostFaces)], nil
}

func run(paths []string) error {
	scorer, err := NewScorer()
	if err != nil {
		return err
	}
	defer scorer.Close()
	for _, path := range paths {
		faces, err := scorer.Score(path)
		if err != nil {
			return err
		}
		if len(faces) == 0 {
			fmt.Printf("%s: no face\n", path)
		}
		for i, face := range faces {
			score := face.score
			fmt.Printf("%s: face %d: %d %s, raw %.9g\n", path, i+1, int(score.whole_quality),
				C.GoString(C.tinyfiqa_band_name(score.band)), float32(score.raw))
		}
	}
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
