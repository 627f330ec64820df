package triage

import "time"

// Stats is what can be said of many letters at once. Lists are by falling count, and bounded: what does not fit is
// counted in "others".
type Stats struct {
	Letters int64     `json:"letters"`
	Players Players   `json:"players"`
	NoTime  int64     `json:"no_time,omitempty"` // letters without a time, or with one that nobody can mean
	First   time.Time `json:"first,omitzero"`    // when the first and the last of the others were given up
	Last    time.Time `json:"last,omitzero"`

	Wave *Wave `json:"wave,omitempty"` // the last; none where there are no others

	States     []Count        `json:"states"`
	Reasons    []Count        `json:"reasons"` // foreign records included, as "foreign"
	Apps       []Count        `json:"apps"`    // those without an app as ""
	Rets       []Count        `json:"rets"`    // those without one are not counted
	Deliveries []Count        `json:"deliveries"`
	Patterns   []PatternCount `json:"violations"` // a letter may have several, each counts once

	OtherPatterns int64 `json:"other_violations,omitempty"`

	StepSeconds int64    `json:"step_seconds"`
	Timeline    []Bucket `json:"timeline"` // of that many seconds each; those without letters are left out
}

// Players is how many have letters, by the openid that is a record's key.
type Players struct {
	Count       int64 `json:"count"`
	Approximate bool  `json:"approximate,omitempty"`
}

// Count is how many letters have something in common.
type Count struct {
	Name    string `json:"name"`
	Letters int64  `json:"letters"`
}

// PatternCount is how many letters have a violation of a pattern.
type PatternCount struct {
	Pattern
	Letters int64 `json:"letters"`
}

// Bucket is how many letters were given up in a step of time.
type Bucket struct {
	Time    time.Time `json:"time"` // when it begins
	Letters int64     `json:"letters"`
}
