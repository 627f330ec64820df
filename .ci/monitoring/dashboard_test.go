package monitoring

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const dashboardFile = root + "/deploy/dashboards/battlereport.json"

// dashboard is what is read of a dashboard of Grafana's.
type dashboard struct {
	Panels     []panel
	Links      []struct{ URL string }
	Templating struct {
		List []struct {
			Name, Type, Definition string
		}
	}
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ UID string }
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Links                    []struct{ URL string }
	Targets                  []struct {
		Expr, LegendFormat string
		Datasource         struct{ UID string }
		Exemplar           bool
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(dashboardFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatalf("%s: %v", dashboardFile, err)
	}
	if len(d.charts()) == 0 {
		t.Fatalf("%s has no panels", dashboardFile)
	}
	return d
}

// charts are the panels that show something.
func (d dashboard) charts() []panel {
	return slices.DeleteFunc(slices.Clone(d.Panels), func(p panel) bool { return p.Type == "row" })
}

// substituted are the variables that Grafana fills in by itself.
var substituted = strings.NewReplacer("$__rate_interval", "1m", "$__interval", "15s", "$__range", "1h")

var variable = regexp.MustCompile(`\$\{?(\w+)`)

// queries are a dashboard's expressions as Prometheus gets them, each with its legend.
func (d dashboard) queries(t *testing.T) (all []struct{ where, expr, legend string }) {
	t.Helper()
	known := map[string]bool{}
	add := func(where, expr, legend string) {
		expr = substituted.Replace(expr)
		for _, m := range variable.FindAllStringSubmatch(expr, -1) {
			if !known[m[1]] {
				t.Errorf("%s: there is no variable %s", where, m[1])
			}
		}
		all = append(all, struct{ where, expr, legend string }{where, variable.ReplaceAllString(expr, "any"), legend})
	}
	ofVariable := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
	for _, v := range d.Templating.List { // a variable may use those before it
		if v.Type == "query" {
			m := ofVariable.FindStringSubmatch(v.Definition)
			if m == nil {
				t.Errorf("variable %s is not by label_values: %s", v.Name, v.Definition)
				continue
			}
			add("variable "+v.Name, m[1], "{{"+m[2]+"}}")
		}
		known[v.Name] = true
	}
	for _, p := range d.charts() {
		for _, q := range p.Targets {
			add(p.Title, q.Expr, q.LegendFormat)
		}
	}
	return all
}

func TestEachPanelSaysWhatItShowsAndInWhichUnit(t *testing.T) {
	d := readDashboard(t)
	ids, titles := map[int]bool{}, map[string]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s: the id %d is another panel's", p.Title, p.ID)
		}
		ids[p.ID] = true
	}
	for _, p := range d.charts() {
		if p.Title == "" || titles[p.Title] {
			t.Errorf("panel %d: the title %q is missing, or another panel's", p.ID, p.Title)
		}
		titles[p.Title] = true
		if p.Description == "" {
			t.Errorf("%s has no description", p.Title)
		}
		if p.FieldConfig.Defaults.Unit == "" {
			t.Errorf("%s has no unit", p.Title)
		}
		if len(p.Targets) == 0 {
			t.Errorf("%s asks for nothing", p.Title)
		}
		if p.Datasource.UID != "${datasource}" {
			t.Errorf("%s has the data source %q", p.Title, p.Datasource.UID)
		}
		for _, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" {
				t.Errorf("%s: %s has the data source %q", p.Title, q.Expr, q.Datasource.UID)
			}
			if strings.Contains(q.Expr, "_seconds_bucket") && !q.Exemplar {
				t.Errorf("%s: %s shows durations without exemplars", p.Title, q.Expr)
			}
			if len(p.Targets) > 1 && q.LegendFormat == "" {
				t.Errorf("%s: %s is one of several, and has no legend", p.Title, q.Expr)
			}
		}
	}
}

func TestNoPanelLiesOnAnother(t *testing.T) {
	panels := readDashboard(t).Panels
	for i, p := range panels {
		a := p.GridPos
		if a.W <= 0 || a.H <= 0 || a.X < 0 || a.X+a.W > 24 {
			t.Errorf("%s does not lie on the grid: %+v", p.Title, a)
		}
		for _, o := range panels[:i] {
			b := o.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s lies on %s", p.Title, o.Title)
			}
		}
	}
}

func TestLinksOfTheDashboardLeadIntoTheRunbook(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash(root + "/deploy/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (\w+)$`).FindAllStringSubmatch(string(text), -1) {
		anchors[strings.ToLower(m[1])] = true
	}
	d := readDashboard(t)
	check := func(where, url string) {
		anchor, is := strings.CutPrefix(url, "https://github.com/battlereport/battlereport/blob/main/deploy/README.md#")
		if !is || !anchors[anchor] {
			t.Errorf("%s links to %s, which is not there", where, url)
		}
	}
	if len(d.Links) == 0 {
		t.Error("the dashboard has no link to the runbook")
	}
	for _, l := range d.Links {
		check("the dashboard", l.URL)
	}
	for _, p := range d.charts() {
		for _, l := range p.Links {
			check(p.Title, l.URL)
		}
	}
}

var legendLabel = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// TestQueriesAskForWhatARunningPipelineShows holds each name, each label and each value of a label that the rules and
// the dashboard ask for against the metrics of the sandbox.
func TestQueriesAskForWhatARunningPipelineShows(t *testing.T) {
	all, queries := rules(t), readDashboard(t).queries(t)
	running(t, func(shown page) (faults []string) {
		c := &catalogue{shown: shown}
		faults = c.record(all)
		for _, q := range queries {
			there, wrong := c.check(q.expr)
			for _, w := range wrong {
				faults = append(faults, q.where+": "+w)
			}
			for _, m := range legendLabel.FindAllStringSubmatch(q.legend, -1) {
				if len(wrong) == 0 && !slices.Contains(there, m[1]) {
					faults = append(faults, q.where+": its legend says {{"+m[1]+"}}, and there is only "+strings.Join(there, ", "))
				}
			}
		}
		for name := range elsewhere {
			if shown[name] != nil {
				faults = append(faults, name+" is shown after all: it needs no word in elsewhere")
			}
		}
		return faults
	})
}

// TestWhatIsNotShownIsDocumented: of these the list of all metrics, which is held against the instruments, is the witness.
func TestWhatIsNotShownIsDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash(root + "/deploy/metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range elsewhere {
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, suffix)
		}
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("deploy/metrics.md does not have %s", name)
		}
	}
}

// TestWhatIsAlertedOnIsOnTheDashboard, so that who is woken has it to look at.
func TestWhatIsAlertedOnIsOnTheDashboard(t *testing.T) {
	shown := map[string]bool{"up": true} // by the members there are
	for _, q := range readDashboard(t).queries(t) {
		for _, name := range names(t, q.expr) {
			shown[name] = true
		}
	}
	for _, r := range rules(t) {
		for _, name := range names(t, r.Expr) {
			if isRecorded := strings.Contains(name, ":"); !shown[name] && !isRecorded {
				t.Errorf("%s%s asks for %s, and no panel shows it", r.Alert, r.Record, name)
			}
		}
	}
}
