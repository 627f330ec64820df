//go:build !race

package schema

import "testing"

// The race detector empties pools at random, among them those of package regexp. So these run without it.

func TestAcceptingTakesMemoryForTheReportOnly(t *testing.T) {
	for _, name := range BuiltIns() {
		s := mustLoad(t, name)
		data := []byte(eventOf(name))
		scanner := new(scanner)
		if n := testing.AllocsPerRun(100, func() {
			if err := scanner.read(data, 64); err != nil || s.program.check(&scanner.outline) != pass {
				t.Fatal(err, "or not decided")
			}
		}); n != 0 {
			t.Errorf("%s: the walk takes %v allocations", name, n)
		}
		if n := testing.AllocsPerRun(100, func() {
			if report, refusal := scanner.report(); refusal != nil || report.Score == "" {
				t.Fatal(report, refusal)
			}
		}); n != 2 {
			t.Errorf("%s: the report takes %v allocations, want one for the openid and one for the score", name, n)
		}
	}
}

func TestWalkTakesNoMemoryForStrings(t *testing.T) {
	p := newProgram(mustCompile(t, `{"propertyNames":{"pattern":"^é"},"additionalProperties":{"minLength":1,"pattern":"[a-z]$","enum":["aé\nz","q"]}}`))
	data := []byte(`{"é":"a\u00e9\nz","\u00e91":"q"}`)
	s := new(scanner)
	if n := testing.AllocsPerRun(1000, func() {
		if err := s.read(data, 64); err != nil || p.check(&s.outline) != pass {
			t.Fatal(err, "or not decided")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
