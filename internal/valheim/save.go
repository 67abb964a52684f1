package valheim

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The stages of a save, as far as the log tells them. The world is copied in
// the first; what happens later is not in it.
//
//	stage        until 2021   0.21x, 0.22x                  1.0
//	copied       clone N      PrepareSave: clone done …     GetSaveClonePerChunk. …
//	prepared                  PrepareSave: …                PrepareSave: …
//	writing                   World save writing starting   ### Save World Thread Started! ###
//	checked                                                 World save (1/5) …
//	finished     World saved  World saved ( T )             World save (5/5) done. …
const (
	stageCopied = iota + 1
	stagePrepared
	stageWriting
	stageChecked
)

var (
	savedOld   = regexp.MustCompile(`^World saved \( ?([\d.,]+) ?ms ?\)$`)
	savedNew   = regexp.MustCompile(`^World save \(5/5\) done\. Total time \[([\d.,]+) ?ms\]$`)
	savedStage = regexp.MustCompile(`^World save \([1-4]/5\) `)
	cloned     = regexp.MustCompile(`^clone \d+$`)
)

// matchSave reads the lines of a save.
func (r *Reader) matchSave(body string) bool {
	switch {
	case strings.HasPrefix(body, "World saved"):
		return r.saved(savedOld, decimalMS, body)
	case strings.HasPrefix(body, "World save (5/5)"):
		return r.saved(savedNew, wholeMS, body)
	case strings.HasPrefix(body, "World save ("):
		if !savedStage.MatchString(body) {
			return false
		}
		if body[len("World save (")] == '1' {
			r.saveStage(stageChecked)
		}
	case strings.HasPrefix(body, "PrepareSave: clone done"),
		strings.HasPrefix(body, "GetSaveClonePerChunk"),
		strings.HasPrefix(body, "clone ") && cloned.MatchString(body):
		r.saveStage(stageCopied)
	case strings.HasPrefix(body, "PrepareSave"):
		r.saveStage(stagePrepared)
	case body == "World save writing starting", body == "### Save World Thread Started! ###":
		r.saveStage(stageWriting)
	case body == "Skipping world save", strings.HasPrefix(body, "Not enough space left to save"):
		r.saveSkipped(body)
	default:
		return false
	}
	return true
}

// saveStage notes a stage. The first one seen is the start; an
// earlier stage than the last one is the start of the next save, whose
// predecessor's end was not seen.
func (r *Reader) saveStage(stage int) {
	started := r.saving == 0 || stage < r.saving
	r.saving = stage
	if started {
		r.emit(Happening{Kind: SaveStarted})
	}
}

func (r *Reader) saved(form *regexp.Regexp, took func(string) time.Duration, body string) bool {
	m := form.FindStringSubmatch(body)
	if m == nil {
		return false
	}
	r.saving = 0
	r.emit(Happening{Kind: Saved, Took: took(m[1])})
	return true
}

func (r *Reader) saveSkipped(detail string) {
	r.saving = 0
	r.emit(Happening{Kind: SaveSkipped, Detail: detail})
}

// decimalMS reads a number with a decimal point or, by the process' locale,
// comma; the old form groups no digits.
func decimalMS(s string) time.Duration {
	return milliseconds(strings.Replace(s, ",", ".", 1))
}

// wholeMS reads a whole number whose digits may be grouped.
func wholeMS(s string) time.Duration {
	return milliseconds(strings.NewReplacer(".", "", ",", "").Replace(s))
}

func milliseconds(s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f > 1e9 { // the patterns let digits, points and commas through
		return 0
	}
	return time.Duration(f * float64(time.Millisecond))
}
