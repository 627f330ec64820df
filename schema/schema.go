// Package schema checks battle reports: the bytes of one record against strict JSON and then a JSON Schema. What comes
// out is the little of the report that a sender needs to know, or a refusal that says what is wrong and where.
//
// The schema is one of those built in, which follow the two editions of the MSDK interface document (3.4.2,
// /profile/wxbattle_report), or a file of one's own in any draft from 4 to 2020-12. github.com/santhosh-tekuri/jsonschema
// is the authority on what a schema refuses and on the words it does so in. What is valid it need not see, as a rule: the
// schema is held against the raw bytes first, and only a value that is not found valid there is decoded for the validator.
//
// The package knows nothing of Kafka or HTTP, changes no byte of what it checks, and fetches nothing from a network.
// It promises that Check never panics, whatever the bytes, and that its work and its refusals are bounded: no record can
// make it slow by deep nesting, colliding keys or numbers of absurd size. What it cannot bound is a schema that is
// exponential in itself, such as one that names itself in several branches.
package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A Schema is a compiled schema with its limits. What it says never changes; it is quicker with records like those it has
// seen before. All its methods are safe for concurrent use.
type Schema struct {
	compiled *jsonschema.Schema
	program  *program  // the same, to be held against raw bytes
	shapes   shapeTree // of what it has found valid
	author   author    // of its patterns
	notes    []Note
	scanners sync.Pool
	limits   Limits
}

// Limits bound one record. A zero field means its default.
type Limits struct {
	MaxBytes int // length of the value in bytes; beyond 2 GiB nothing passes as JSON, whatever the limit
	MaxDepth int // arrays and objects inside each other, the outermost counting as one; at most 1000
}

// DefaultLimits returns 64 KiB and 64 levels.
func DefaultLimits() Limits { return Limits{MaxBytes: 64 << 10, MaxDepth: 64} }

// maxMaxDepth keeps recursion, here, in encoding/json and in the validator, far from the end of any stack.
const maxMaxDepth = 1000

// resolve returns the limits with defaults filled in, or an error if one is out of range.
func (l Limits) resolve() (Limits, error) {
	defaults := DefaultLimits()
	if l.MaxBytes == 0 {
		l.MaxBytes = defaults.MaxBytes
	}
	if l.MaxDepth == 0 {
		l.MaxDepth = defaults.MaxDepth
	}
	if l.MaxBytes < 0 {
		return Limits{}, fmt.Errorf("limit of %d bytes: allowed are 1 and more, or 0 for the default", l.MaxBytes)
	}
	if l.MaxDepth < 0 || l.MaxDepth > maxMaxDepth {
		return Limits{}, fmt.Errorf("limit of %d levels: allowed are 1 to %d, or 0 for the default", l.MaxDepth, maxMaxDepth)
	}
	return l, nil
}

// Check reports what a sender needs to know of value, or why value is refused; the refusal is nil if value is valid.
//
// Checked are, in this order: the size; that value is one strict JSON text, which means RFC 8259 with no key twice in an
// object, no invalid UTF-8, no half of a surrogate pair, no byte order mark, nesting within the limit, numbers of at most
// 1024 bytes and exponents of at most 1024; the schema; and that the report names its user in baseinfo.openid, a string
// of 1 to 128 characters, whatever the schema: in a batch the platform knows by it whose data it is (MSDK interface
// document, 3.4.2).
//
// A valid value costs no allocation, as a rule, and less time than encoding/json.Valid takes: much less if it is like those
// before it in all but its values, more if the schema has keywords that Explain returns. A value that the schema refuses
// costs more than twenty times that.
//
// Check neither changes nor keeps value; the report may be a part of it.
func (s *Schema) Check(value []byte) (Report, *Refusal) {
	scanner := s.scanner()
	defer s.scanners.Put(scanner)
	defer scanner.release()
	in, refusal := s.judge(scanner, value)
	if refusal != nil {
		return Report{}, refusal
	}
	return scanner.report(in)
}

// Validate says why value is refused, or nothing: it is Check without the demand for an openid, which the built-in schemas
// make themselves. So it tells what a schema of one's own has to say of any JSON value.
func (s *Schema) Validate(value []byte) *Refusal {
	scanner := s.scanner()
	defer s.scanners.Put(scanner)
	defer scanner.release()
	_, refusal := s.judge(scanner, value)
	return refusal
}

// scanner returns one that has seen values of this schema, if there is one to be used again.
func (s *Schema) scanner() *scanner {
	if used, ok := s.scanners.Get().(*scanner); ok {
		return used
	}
	return new(scanner)
}

// judge says why value is refused, if it is. If not, the scanner's outline is that of value, or of its leaves only, and
// the report stands in places.
func (s *Schema) judge(scanner *scanner, value []byte) (places, *Refusal) {
	if len(value) > s.limits.MaxBytes {
		return places{}, refuseTooLarge(len(value), s.limits.MaxBytes)
	}
	if in, ok := s.shapes.accept(scanner, value); ok {
		return in, nil
	}
	if err := scanner.read(value, s.limits.MaxDepth); err != nil {
		return places{}, refuseInvalidJSON(err)
	}
	if s.program.check(&scanner.outline, nil) != pass {
		if refusal := s.askValidator(value); refusal != nil {
			return places{}, refusal
		}
	} else if scanner.curious() && s.shapes.wants() {
		s.shapes.learn(s.program, &scanner.outline)
	}
	return scanner.places(), nil
}

// askValidator has the validator decide on value, which is strict JSON.
func (s *Schema) askValidator(value []byte) *Refusal {
	decoded, err := decode(value)
	if err != nil {
		return refuseInvalidJSON(err)
	}
	if err := validate(s.compiled, decoded); err != nil {
		s.author.reword(err)
		return refuseViolations(violationsOf(err, decoded))
	}
	return nil
}

// decode returns the value of a JSON text, numbers kept digit by digit.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// validate returns what compiled has against v. A panic of the validator becomes an error and so the refusal of this one
// record, which would otherwise be read again, and end the process again, after every restart.
func validate(compiled *jsonschema.Schema, v any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the validator stopped on this value: %v", r)
		}
	}()
	return compiled.Validate(v)
}
