package schema

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"
)

// A reporter is what testing and rapid have in common.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

// isNotContradicted holds the program against the validator, which is always right: what the program decides, the validator
// must decide likewise, and it may leave undecided only what it has noted, or long numbers. Check must accept what the
// validator does if there is an openid in it, with the report that a decoded value gives. Returned is whether the program
// decided.
func isNotContradicted(t reporter, compiled *jsonschema.Schema, p *program, value []byte) bool {
	t.Helper()
	s := new(scanner)
	if err := s.read(value, 64); err != nil {
		return true // and no matter of a schema
	}
	decoded, err := decode(value)
	if err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	err = validate(compiled, decoded)
	got := p.check(&s.outline, nil)
	switch {
	case got == pass && err != nil:
		t.Fatalf("%s: passed, but the validator says: %#v", value, err)
	case got == fail && err == nil:
		t.Fatalf("%s: failed, but the validator passes it", value)
	case got == unknown && len(p.notes) == 0 && !hasLongNumber(value):
		t.Fatalf("%s: left undecided without a reason", value)
	}
	want, ok := slowReport(decoded)
	if err != nil {
		want, ok = said{}, false
	}
	whole := &Schema{compiled: compiled, program: p, limits: DefaultLimits()}
	for _, learned := range []string{"", ", its shape being known"} {
		if report, refusal := whole.Check(value); saidBy(report) != want || ok != (refusal == nil) {
			t.Fatalf("%s%s: got report %+v, %v; want %+v, %v", value, learned, report, refusal, want, ok)
		}
		if refusal := whole.Validate(value); (refusal == nil) != (err == nil) {
			t.Fatalf("%s%s: Validate says %v, the validator %v", value, learned, refusal, err)
		}
	}
	return got != unknown
}

// hasLongNumber reports whether there is a number of more than maxDigits significant digits, more or less, in a text.
func hasLongNumber(value []byte) bool {
	digits := 0
	for _, c := range value {
		switch {
		case isDigit(c):
			digits++
		case c != '.':
			digits = 0
		}
		if digits > maxDigits {
			return true
		}
	}
	return false
}

// agreement draws schemas of every draft and values that hit or just miss them, and holds program against validator.
func agreement(t *rapid.T) {
	d := drawing{T: t, draft: rapid.SampledFrom(allDrafts).Draw(t, "draft")}
	document := d.document()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := compileText(string(text))
	if err != nil {
		t.Skip(err) // a loop, as a rule
	}
	p := newProgram(compiled)
	learning := &Schema{compiled: compiled, program: p, limits: DefaultLimits()}
	for range 4 {
		value := d.text(d.valueFor(document, document, 3))
		t.Logf("%s\n%s", text, value)
		isNotContradicted(t, compiled, p, value)
		for range 3 {
			isNotMisled(t, learning, value)
			value = d.withOtherLeaves(value)
		}
	}
}

// isNotMisled holds a schema that knows the shapes of what it has passed against the validator, and has it learn one more.
func isNotMisled(t reporter, s *Schema, value []byte) {
	t.Helper()
	decoded, err := decode(value)
	if err != nil || scan(value, s.limits.MaxDepth) != nil {
		return
	}
	if err, refusal := validate(s.compiled, decoded), validateAndLearn(s, value); (refusal == nil) != (err == nil) {
		t.Fatalf("%s: Validate says %v, the validator %v", value, refusal, err)
	}
}

func TestProgramAgreesWithTheValidator(t *testing.T) {
	t.Parallel()
	rapid.Check(t, agreement)
}

// FuzzProgram is TestProgramAgreesWithTheValidator for the fuzzer, which steers the drawing by what it covers.
func FuzzProgram(f *testing.F) {
	for seed := range 32 {
		random := rand.NewChaCha8([32]byte{byte(seed)})
		draws := make([]byte, 16<<10) // enough for a schema and its values
		if _, err := random.Read(draws); err != nil {
			f.Fatal(err)
		}
		f.Add(draws)
	}
	f.Fuzz(rapid.MakeFuzz(agreement))
}

// FuzzProgramText holds program against validator for schemas and values of any bytes.
func FuzzProgramText(f *testing.F) {
	for _, test := range keywordTests {
		for value := range strings.Lines(test.pass + "\n" + test.fail) {
			f.Add([]byte(test.schema), []byte(value))
		}
	}
	for _, edition := range editions {
		for _, value := range []string{event, eventJA} {
			f.Add(builtIn(builtInID(edition)), []byte(value))
		}
	}
	f.Fuzz(func(t *testing.T, schema, value []byte) {
		if len(schema) > 4<<10 || len(value) > 4<<10 {
			return
		}
		compiled, err := compileText(string(schema))
		if err != nil {
			return
		}
		isNotContradicted(t, compiled, newProgram(compiled), value)
	})
}

// FuzzBuiltIns holds the programs of the built-in schemas against the validator for values of any bytes.
func FuzzBuiltIns(f *testing.F) {
	addSeeds(f)
	var schemas []*Schema
	for _, name := range BuiltIns() {
		schemas = append(schemas, mustLoad(f, name))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, s := range schemas {
			isNotContradicted(t, s.compiled, s.program, value)
			isNotMisled(t, s, value)
			if _, refusal := s.Check(value); reasonOf(refusal) != reasonOf(s.Validate(value)) {
				t.Fatalf("Check says %v, but the schema does not", refusal)
			}
		}
	})
}

func TestBuiltInsAreStreamed(t *testing.T) {
	t.Parallel()
	for _, edition := range editions {
		t.Run(edition, func(t *testing.T) {
			t.Parallel()
			s := mustLoad(t, builtInPrefix+edition)
			if notes := s.Explain(); len(notes) > 0 {
				t.Fatalf("not streamed: %v", notes)
			}
			document, err := decode(builtIn(builtInID(edition)))
			if err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(t *rapid.T) {
				d := drawing{T: t, draft: jsonschema.Draft2020, short: true}
				value := d.text(d.valueFor(document, document, 3))
				if !isNotContradicted(t, s.compiled, s.program, value) {
					t.Fatalf("%s: left undecided", value)
				}
			})
		})
	}
}
