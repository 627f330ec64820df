package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Fault is one thing wrong in a configuration.
type Fault struct {
	File  string // as given to Load; empty from Parse
	Line  int    // from 1; for a missing key, that of the mapping it is missing from
	Path  string // "apps[0].route"; "(document)" for the document as a whole
	Value string // what stands there, text quoted, secrets redacted; or "missing", "unknown key" and the like
	Want  string // what would do
}

// Error returns the fault as one line.
func (f Fault) Error() string {
	where := "line " + strconv.Itoa(f.Line)
	if f.File != "" {
		where = f.File + ":" + strconv.Itoa(f.Line)
	}
	return where + ": " + f.Path + ": " + f.Value + ": want " + f.Want
}

// Faults are all faults of one configuration, sorted by line. It is the error of a configuration that is YAML but does
// not fit, and is never empty then.
type Faults []Fault

// Error returns one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

func (f Faults) sort() {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Path, b.Path))
	})
}
