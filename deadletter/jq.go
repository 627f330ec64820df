package deadletter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/itchyny/gojq"

	"github.com/battlereport/battlereport/schema"
)

// expression is a compiled jq expression.
type expression struct {
	text  string
	query *gojq.Query
	code  *gojq.Code
}

// expressionTime bounds the work on one letter: expressions may be endless.
const expressionTime = time.Second

var errEndless = fmt.Errorf("it takes longer than %v", expressionTime)

func compile(text string) (expression, error) {
	query, err := gojq.Parse(text)
	if err != nil {
		return expression{}, fmt.Errorf("parse the jq expression %q: %w", text, err)
	}
	x, err := compileQuery(query)
	if err != nil {
		return expression{}, fmt.Errorf("compile the jq expression %q: %w", text, err)
	}
	x.text = text
	return x, nil
}

func compileQuery(query *gojq.Query) (expression, error) {
	code, err := gojq.Compile(query)
	return expression{query.String(), query, code}, err
}

// run returns the first results, at most so many.
func (x *expression) run(ctx context.Context, input any, most int) (results []any, err error) {
	bounded, cancel := context.WithTimeoutCause(ctx, expressionTime, errEndless)
	defer cancel()
	results, err = collect(x.code.RunWithContext(bounded, input), most)
	if err != nil && bounded.Err() != nil {
		err = context.Cause(bounded)
	}
	if err != nil {
		return nil, fmt.Errorf("jq expression %q: %w", x.text, err)
	}
	return results, nil
}

func collect(iter gojq.Iter, most int) (results []any, err error) {
	for len(results) < most {
		result, ok := iter.Next()
		if !ok {
			break
		}
		if err, ok := result.(error); ok {
			var halt *gojq.HaltError
			if errors.As(err, &halt) && halt.Value() == nil {
				break // halt, which is no error
			}
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

// maxDepth is how deep a value may be nested, for the pipeline.
var maxDepth = schema.DefaultLimits().MaxDepth

// decode decodes a strict JSON text, keeping all digits of its numbers.
func decode(text []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err
}
