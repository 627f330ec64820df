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
	// ErrNotJSON: the value cannot be given to an expression.
	ErrNotJSON = errors.New("the value is not JSON")
)

// Repair changes values: a jq expression. It is safe for concurrent use.
type Repair struct{ expression }

// CompileRepair compiles a jq expression.
func CompileRepair(expr string) (*Repair, error) {
	x, err := compile(expr)
	if err != nil {
		return nil, err
	}
	return &Repair{x}, nil
}

// String is the expression.
func (r *Repair) String() string { return r.text }

// Apply returns the value that the expression makes of value. It must make
// exactly one, within a second: otherwise the error is an [ErrNoResult], an
// [ErrSeveralResults], or says what failed.
//
// A value that stays as it is keeps its bytes. One that is changed is compact
// JSON, in which what was not changed keeps its place among the keys and all
// digits of its numbers; keys that are new come last.
func (r *Repair) Apply(ctx context.Context, value []byte) ([]byte, error) {
	before, err := decode(value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotJSON, err)
	}
	results, err := r.run(ctx, before, 2)
	if err != nil {
		return nil, err
	}
	switch len(results) {
	case 0:
		return nil, fmt.Errorf("jq expression %q: %w", r.text, ErrNoResult)
	case 1:
	default:
		return nil, fmt.Errorf("jq expression %q: %w", r.text, ErrSeveralResults)
	}
	if gojq.Compare(before, results[0]) == 0 {
		return value, nil
	}
	return appendLike(nil, results[0], keyOrderOf(value)), nil
}
