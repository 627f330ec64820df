package monitoring

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	rulesFile = root + "/deploy/alerts/rules.yaml"
	testsGlob = root + "/deploy/alerts/tests/*.yaml"
)

type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	unmarshal(t, rulesFile, &file)
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatalf("%s has no rules", rulesFile)
	}
	return all
}

func unmarshal(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// record has the catalogue know what rules record; it returns the faults of all rules.
func (c *catalogue) record(all []rule) (faults []string) {
	c.recorded = map[string][]string{}
	for _, r := range all {
		there, wrong := c.check(r.Expr)
		for _, w := range wrong {
			faults = append(faults, r.Alert+r.Record+": "+w)
		}
		if r.Record != "" {
			c.recorded[r.Record] = there
		}
	}
	return faults
}

var labelOf = regexp.MustCompile(`\$labels\.(\w+)`)

// TestEachAlertIsOneIncident: its labels say which job, app, topic or file, not which of many partitions or members,
// each of which would be an alert of its own.
func TestEachAlertIsOneIncident(t *testing.T) {
	all := rules(t)
	c := &catalogue{shown: page{}}
	everything := []string{"topic", "partition", "appid", "reason", "file"}
	for _, r := range all { // as if each metric had them all: what the rule sums up by is what is left
		for _, name := range names(t, r.Expr) {
			if c.shown[name] == nil && name != "" {
				c.shown[name] = labelSet{}
				for _, l := range everything {
					c.shown[name].add(l)
				}
			}
		}
	}
	c.record(all)
	for _, r := range all {
		if r.Alert == "" {
			continue
		}
		there, _ := c.check(r.Expr)
		for _, l := range there {
			if !slices.Contains([]string{"namespace", "job", "appid", "topic", "file"}, l) {
				t.Errorf("%s is an alert for each %s", r.Alert, l)
			}
		}
		for _, text := range r.Annotations {
			for _, m := range labelOf.FindAllStringSubmatch(text, -1) {
				if !slices.Contains(there, m[1]) {
					t.Errorf("%s says its %s, and has none: %s", r.Alert, m[1], text)
				}
			}
		}
	}
}

func TestEachAlertSaysHowBadWhatAndWhatToDo(t *testing.T) {
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("the severity of %s is %q", r.Alert, s)
		}
		if r.For == "" {
			t.Errorf("%s does not say for how long", r.Alert)
		}
		for _, a := range []string{"summary", "description", "runbook_url"} {
			if r.Annotations[a] == "" {
				t.Errorf("%s has no %s", r.Alert, a)
			}
		}
	}
}

// TestEachAlertIsShownToFireAndToStaySilent reads what promtool runs: of each alert and severity a test must expect
// it, and of each alert one must expect that there is none.
func TestEachAlertIsShownToFireAndToStaySilent(t *testing.T) {
	type alert struct{ name, severity string }
	fires, silent := map[alert]bool{}, map[string]bool{}
	files, err := filepath.Glob(testsGlob)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", testsGlob, len(files), err)
	}
	for _, name := range files {
		var file struct {
			RuleFiles []string `yaml:"rule_files"`
			Tests     []struct {
				Alerts []struct {
					Name string `yaml:"alertname"`
					Exp  []struct {
						Labels map[string]string `yaml:"exp_labels"`
					} `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		unmarshal(t, name, &file)
		if !slices.Equal(file.RuleFiles, []string{"../rules.yaml"}) {
			t.Errorf("%s tests %q", name, file.RuleFiles)
		}
		for _, test := range file.Tests {
			for _, a := range test.Alerts {
				if len(a.Exp) == 0 {
					silent[a.Name] = true
				}
				for _, e := range a.Exp {
					fires[alert{a.Name, e.Labels["severity"]}] = true
				}
			}
		}
	}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		a := alert{r.Alert, r.Labels["severity"]}
		if !fires[a] {
			t.Errorf("no test has %s fire with severity %s", a.name, a.severity)
		}
		if !silent[a.name] {
			t.Errorf("no test has %s stay silent", a.name)
		}
		delete(fires, a)
		delete(silent, a.name)
		if slices.ContainsFunc(rules(t), func(o rule) bool { return o.Alert == a.name }) {
			silent[a.name] = true // of another severity
		}
	}
	for a := range fires {
		t.Errorf("a test expects %s with severity %s, which there is not", a.name, a.severity)
	}
}
