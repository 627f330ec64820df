package deadletter

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/battlereport/battlereport/schema"
)

// Where is a condition on letters: a jq expression. It is safe for concurrent
// use.
//
// Its input is {"value", "text", "headers", "letter"}: value is the record's
// value, null if it is not strict JSON, which [schema.Strict] says: of what two
// parsers may read differently it is neither; text is the value as it is, null if
// it is not UTF-8 or not there; headers are the record's own by key, as text, of those
// with the same key the last; letter is the letter as [Entry.MarshalJSON] writes
// it, without key, headers and value, and with the key as text.
type Where struct{ expression }

// CompileWhere compiles a jq expression. A letter for which its first result is
// neither false nor null matches; one for which it has none does not.
func CompileWhere(expr string) (*Where, error) {
	x, err := compile(expr)
	if err != nil {
		return nil, err
	}
	return &Where{x}, nil
}

// String is the expression.
func (w *Where) String() string { return w.text }

func (w *Where) match(ctx context.Context, e *Entry) (bool, error) {
	input, err := whereInput(e)
	if err != nil {
		return false, err
	}
	results, err := w.run(ctx, input, 1)
	if err != nil {
		return false, fmt.Errorf("letter %s: %w", e.Name, err)
	}
	return len(results) > 0 && results[0] != nil && results[0] != false, nil
}

func whereInput(e *Entry) (map[string]any, error) {
	letter, err := letterInput(e)
	if err != nil {
		return nil, fmt.Errorf("letter %s: %w", e.Name, err)
	}
	var value any // null: not JSON, as the letter's reason may say
	if schema.Strict(e.Letter.Value, maxDepth) == nil {
		if value, err = decode(e.Letter.Value); err != nil {
			return nil, fmt.Errorf("letter %s: %w", e.Name, err)
		}
	}
	headers := map[string]any{}
	for _, h := range e.Letter.Headers {
		headers[h.Key] = textOrNull(h.Value)
	}
	return map[string]any{"value": value, "text": textOrNull(e.Letter.Value), "headers": headers, "letter": letter}, nil
}

// letterInput takes the way through JSON, so that an expression works on it as
// on what the commands print.
func letterInput(e *Entry) (map[string]any, error) {
	text, err := plainJSON(e.json())
	if err != nil {
		return nil, err
	}
	v, err := decode(text)
	if err != nil {
		return nil, err
	}
	letter := v.(map[string]any) // of a struct
	letter["key"] = textOrNull(e.Letter.Key)
	return letter, nil
}

func textOrNull(b []byte) any {
	if b == nil || !utf8.Valid(b) {
		return nil
	}
	return string(b)
}
