//go:build !race

package schema

import "testing"

// The race detector empties pools at random, among them those of package regexp. So these run without it.

func TestAcceptingTakesNoMemory(t *testing.T) {
	for _, name := range BuiltIns() {
		s := mustLoad(t, name)
		data := []byte(eventOf(name))
		check := func() {
			if report, refusal := s.Check(data); refusal != nil || len(report.Score) == 0 {
				t.Fatal(report, refusal)
			}
		}
		check() // learns the shape
		if n := testing.AllocsPerRun(100, check); n != 0 {
			t.Errorf("%s: of known shape: %v allocations", name, n)
		}
		scanner := new(scanner)
		if n := testing.AllocsPerRun(100, func() {
			if err := scanner.read(data, 64); err != nil || s.program.check(&scanner.outline, nil) != pass {
				t.Fatal(err, "or not decided")
			}
			if report, refusal := scanner.report(scanner.places()); refusal != nil || len(report.Score) == 0 {
				t.Fatal(report, refusal)
			}
		}); n != 0 {
			t.Errorf("%s: of unknown shape: %v allocations", name, n)
		}
	}
}

func TestWalkTakesNoMemoryForStrings(t *testing.T) {
	p := newProgram(mustCompile(t, `{"propertyNames":{"pattern":"^é"},"additionalProperties":{"minLength":1,"pattern":"[a-z]$","enum":["aé\nz","q"]}}`))
	data := []byte(`{"é":"a\u00e9\nz","\u00e91":"q"}`)
	s := new(scanner)
	if n := testing.AllocsPerRun(1000, func() {
		if err := s.read(data, 64); err != nil || p.check(&s.outline, nil) != pass {
			t.Fatal(err, "or not decided")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
