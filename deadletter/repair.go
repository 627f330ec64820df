package deadletter

import (
	"context"
	"errors"
	"fmt"

	"github.com/itchyny/gojq"
)

// What a repair expression may get wrong about a value.
var (
	ErrNoResult       = errors.New("the expression has no result")
	ErrSeveralResults = errors.New("the expression has more than one result")
	// ErrNotJSON: the value cannot be given to an expression, but for a raw one.
	ErrNotJSON = errors.New("the value is not JSON")
	// ErrNotText: the result of a raw expression cannot be a value.
	ErrNotText = errors.New("the result is no text")
)

// A DoubtError says that a repair leaves, or reads, in a value what other parsers may take differently, and what
// Strict of package schema refuses.
type DoubtError struct {
	What   string // is wrong there
	Offset int    // in the value, in bytes
	Place  string // the value that it is in, as a JSON Pointer
	Effect string // on the result; empty: it stays
}

func (e *DoubtError) Error() string {
	text := fmt.Sprintf("%s at byte %d", e.What, e.Offset)
	if e.Place != "" {
		text += fmt.Sprintf(" (%.300s)", e.Place)
	}
	return text + e.Effect + ": repair that first"
}

// Repair changes values: a jq expression. It is safe for concurrent use.
type Repair struct {
	expression
	raw     bool
	updates []update // the steps that it begins with
}

// CompileRepair compiles a jq expression from the JSON of a value to that of another.
func CompileRepair(expr string) (*Repair, error) {
	x, err := compile(expr)
	if err != nil {
		return nil, err
	}
	updates, _ := updatesOf(x.query, nil)
	return &Repair{expression: x, updates: updates}, nil
}

// CompileRawRepair compiles a jq expression from the text of a value, JSON or not, to that of another.
//
// Of a value that is not UTF-8, or that begins with the byte 0 as one behind a Schema Registry header does, the text has a
// character for each byte, U+0000 to U+00FF: so no byte is lost, and .[5:] is what follows the first five.
func CompileRawRepair(expr string) (*Repair, error) {
	x, err := compile(expr)
	if err != nil {
		return nil, err
	}
	return &Repair{expression: x, raw: true}, nil
}

// String is the expression.
func (r *Repair) String() string { return r.text }

// Raw tells whether the expression is about the text of values.
func (r *Repair) Raw() bool { return r.raw }

// Apply returns the value that the expression makes of value. It must make exactly one, within a second: otherwise the
// error is an [ErrNoResult], an [ErrSeveralResults], or says what failed.
//
// What the expression leaves as it is keeps its bytes: white space, escapes, and all digits of numbers. A place that it
// writes is written as jq does, though the value stay the same: .score |= floor makes 4288625 of 4288625.0. Keys keep their
// order, those that are new come last. White space around a value that changes goes.
//
// What the expression leaves of value must be strict JSON, as the pipeline wants it; else the error is a [*DoubtError]. So
// half of a surrogate pair, nesting that is too deep, or a key that stands twice hinders a repair until the expression
// itself replaces it or takes it out, or something around it. An expression reads half of a pair as U+FFFD, which no text
// that it writes may then have. Of a key that stands twice it reads the last, if it is one that writes that very place
// by an assignment, del, delpaths, setpath or map_values, at the top of the expression or inside such; where it does not,
// its result must be the same whichever of them is read.
//
// A raw expression must make text, or the error is an [ErrNotText]. Its result is not looked at any further.
func (r *Repair) Apply(ctx context.Context, value []byte) ([]byte, error) {
	if r.raw {
		return r.applyRaw(ctx, value)
	}
	t, doubts, err := readTree(value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotJSON, err)
	}
	last, err := r.one(ctx, t.value)
	if err != nil {
		return nil, err
	}
	s := splice{text: value, root: t, doubts: doubts}
	written := writtenBy(ctx, r.updates, t.value)
	first := last
	if doubts.doubled {
		var input any
		if input, s.again = t.first(written); s.again > 0 {
			if first, err = r.one(ctx, input); err != nil {
				s.takesOne()
			}
		}
	}
	s.put(t, reading{last, first}, written)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case s.doubt != nil:
		return nil, s.doubt
	}
	return s.strict()
}

// one returns the only result.
func (r *Repair) one(ctx context.Context, input any) (any, error) {
	results, err := r.run(ctx, input, 2)
	if err != nil {
		return nil, err
	}
	switch len(results) {
	case 0:
		return nil, fmt.Errorf("jq expression %q: %w", r.text, ErrNoResult)
	case 1:
		return results[0], nil
	default:
		return nil, fmt.Errorf("jq expression %q: %w", r.text, ErrSeveralResults)
	}
}

// applyRaw is Apply of a raw expression.
func (r *Repair) applyRaw(ctx context.Context, value []byte) ([]byte, error) {
	coding := codingOf(value)
	result, err := r.one(ctx, coding.text(value))
	if err != nil {
		return nil, err
	}
	text, ok := result.(string)
	if !ok {
		return nil, fmt.Errorf("jq expression %q: %w: it is of the type %s", r.text, ErrNotText, gojq.TypeOf(result))
	}
	out, err := coding.bytes(text)
	if err != nil {
		return nil, fmt.Errorf("jq expression %q: %w: %w", r.text, ErrNotText, err)
	}
	return out, nil
}
