package schema

import "fmt"

// A Reason says in a word why a value is refused. There are no others than these three, so a reason can be a metric label.
type Reason string

// The reasons.
const (
	InvalidJSON     Reason = "invalid_json"
	SchemaViolation Reason = "schema_violation"
	TooLarge        Reason = "too_large"
)

// A Refusal says why Check did not accept a value. Whatever the value was, a refusal stays small.
type Refusal struct {
	Reason Reason

	// Detail is one line for a person: at most 200 bytes of UTF-8, without control characters.
	Detail string

	// Violations are what the schema has against the value, ordered by instance: at most the first 20. It is empty for
	// other reasons than SchemaViolation.
	Violations []Violation
}

// Error returns reason and detail.
func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.Detail }

// A Violation is one assertion of the schema that a value fails.
type Violation struct {
	// Instance points to the offending part of the value, as a JSON Pointer (RFC 6901). Where that would take more than
	// 512 bytes, or the validator's pointer is not exact, it points to the nearest part around.
	Instance string `json:"instance"`

	// Keyword points to the failed keyword, as a JSON Pointer into the schema document that holds it. References are
	// followed: the pointer is to where the keyword stands, not to the path the validator took. It may name a minContains
	// that the schema leaves at 1, and it is /required where it is not the schema that asks for an openid but Check.
	Keyword string `json:"keyword"`

	// Message says what is wrong, in the validator's words: at most 300 bytes of UTF-8 without control characters.
	Message string `json:"message"`
}

// Bounds of a refusal, the first three in bytes.
const (
	maxDetail     = 200
	maxMessage    = 300
	maxPointer    = 512
	maxViolations = 20
)

func refuseTooLarge(size, limit int) *Refusal {
	return &Refusal{Reason: TooLarge, Detail: fmt.Sprintf("%d bytes, %d are allowed", size, limit)}
}

func refuseInvalidJSON(err error) *Refusal {
	return &Refusal{Reason: InvalidJSON, Detail: oneLine(err.Error(), maxDetail)}
}

// refuseViolations returns the refusal for these violations, the first of count in all.
func refuseViolations(violations []Violation, count int) *Refusal {
	first := violations[0]
	detail := first.Message
	if first.Instance != "" {
		detail = first.Instance + ": " + detail
	}
	more := ""
	if count > 1 {
		more = fmt.Sprintf(" (and %d more)", count-1)
	}
	return &Refusal{
		Reason:     SchemaViolation,
		Detail:     oneLine(detail, maxDetail-len(more)) + more,
		Violations: violations,
	}
}
