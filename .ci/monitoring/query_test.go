// Package monitoring holds what watches battlereport from outside, its alerts and its dashboard, against the metrics
// that a running pipeline really has.
package monitoring

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// target are the labels that Prometheus itself gives to every series of a target.
var target = []string{"namespace", "job", "instance"}

// catalogue knows the labels of every series that there is to ask for, by its name.
type catalogue struct {
	shown    page                // by the pipeline
	recorded map[string][]string // by rules
}

// query is an expression whose names and labels are looked up.
type query struct {
	c      *catalogue
	faults []string
}

// check looks up every name and label of an expression. It returns the labels that its result may have.
func (c *catalogue) check(text string) (result, faults []string) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return nil, []string{fmt.Sprintf("%v in %s", err, text)}
	}
	q := &query{c: c}
	return q.labels(expr), q.faults
}

func (q *query) fault(format string, args ...any) {
	q.faults = append(q.faults, fmt.Sprintf(format, args...))
}

// unknown are the labels of what there is not: one fault is enough.
var unknown = []string{"*"}

// want faults names that are none of the labels there are.
func (q *query) want(names, there []string, where parser.Expr) {
	if slices.Contains(there, unknown[0]) {
		return
	}
	for _, name := range names {
		if !slices.Contains(there, name) {
			q.fault("there is no label %s, but %s, in %s", name, strings.Join(there, ", "), where)
		}
	}
}

// labels are those that the result of an expression may have.
func (q *query) labels(expr parser.Expr) []string {
	switch e := expr.(type) {
	case *parser.VectorSelector:
		return q.series(e)
	case *parser.MatrixSelector:
		return q.labels(e.VectorSelector)
	case *parser.SubqueryExpr:
		return q.labels(e.Expr)
	case *parser.ParenExpr:
		return q.labels(e.Expr)
	case *parser.UnaryExpr:
		return q.labels(e.Expr)
	case *parser.AggregateExpr:
		return q.aggregate(e)
	case *parser.BinaryExpr:
		return q.binary(e)
	case *parser.Call:
		return q.call(e)
	case *parser.NumberLiteral, *parser.StringLiteral:
		return nil
	}
	q.fault("cannot tell the labels of a %T", expr)
	return unknown
}

// series are the labels of those of one name; what they are matched by must be among them, and have been seen.
func (q *query) series(e *parser.VectorSelector) []string {
	there, values := slices.Clone(target), map[string]map[string]bool{}
	seen, isShown := q.c.shown[e.Name]
	recorded, isRecorded := q.c.recorded[e.Name]
	other, isElsewhere := elsewhere[e.Name]
	switch {
	case isRecorded:
		there = recorded
	case isShown:
		values = seen
		there = append(there, slices.Sorted(maps.Keys(seen))...)
	case isElsewhere:
		there = append(there, other...)
	case e.Name == "up": // Prometheus' own
	case e.Name == "ALERTS": // likewise
		there = append(there, "alertname", "alertstate", "severity", "appid", "topic", "file")
	default:
		q.fault("there is no metric %s", e.Name)
		return unknown
	}
	for _, m := range e.LabelMatchers {
		if m.Name == model.MetricNameLabel {
			continue
		}
		q.want([]string{m.Name}, there, e)
		if known := values[m.Name]; m.Type == labels.MatchEqual && len(known) > 0 && !known[m.Value] {
			q.fault("%s of %s is never %q, but one of %q", m.Name, e.Name, m.Value, slices.Sorted(maps.Keys(known)))
		}
	}
	return there
}

func (q *query) aggregate(e *parser.AggregateExpr) []string {
	there := q.labels(e.Expr)
	q.want(e.Grouping, there, e)
	switch {
	case e.Op == parser.TOPK || e.Op == parser.BOTTOMK:
		return there
	case e.Without:
		return slices.DeleteFunc(slices.Clone(there), func(l string) bool { return slices.Contains(e.Grouping, l) })
	}
	return e.Grouping
}

func (q *query) binary(e *parser.BinaryExpr) []string {
	left, right := q.labels(e.LHS), q.labels(e.RHS)
	m := e.VectorMatching
	switch {
	case e.LHS.Type() == parser.ValueTypeScalar:
		return right
	case e.RHS.Type() == parser.ValueTypeScalar:
		return left
	}
	q.want(m.MatchingLabels, left, e)
	if !(e.Op == parser.LOR && m.On && len(m.MatchingLabels) == 0) {
		q.want(m.MatchingLabels, right, e)
	}
	switch {
	case e.Op == parser.LOR:
		return slices.Compact(slices.Sorted(slices.Values(slices.Concat(left, right))))
	case m.Card == parser.CardOneToOne && m.On:
		return m.MatchingLabels
	case m.Card == parser.CardOneToMany:
		return slices.Concat(right, m.Include)
	}
	return slices.Concat(left, m.Include)
}

func (q *query) call(e *parser.Call) []string {
	var there []string
	for _, arg := range e.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			there = q.labels(arg)
		}
	}
	switch e.Func.Name {
	case "absent", "absent_over_time", "scalar", "vector", "time":
		return nil
	case "label_replace", "label_join":
		q.fault("the labels that %s makes are not followed", e.Func.Name)
	case "histogram_quantile":
		q.want([]string{"le"}, there, e)
		return slices.DeleteFunc(slices.Clone(there), func(l string) bool { return l == "le" })
	}
	return there
}

// names are the series that an expression asks for.
func names(t *testing.T, text string) (all []string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		t.Fatal(err)
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if v, is := n.(*parser.VectorSelector); is {
			all = append(all, v.Name)
		}
		return nil
	})
	return all
}

// TestWhatIsWrongWithAQueryIsTold keeps the rule itself: what it lets pass, no other test here can see.
func TestWhatIsWrongWithAQueryIsTold(t *testing.T) {
	c := &catalogue{
		shown:    page{"calls_total": {"class": {"ok": true}, "appid": {"wx1": true}}, "seconds_bucket": {"le": nil, "appid": nil}},
		recorded: map[string][]string{"appid:calls:rate5m": {"job", "appid"}},
	}
	for text, want := range map[string]string{
		`sum by (appid) (rate(calls_total{class="ok"}[5m]))`:                                            "",
		`histogram_quantile(0.9, sum by (le, appid) (rate(seconds_bucket[5m])))`:                        "",
		`appid:calls:rate5m{appid="new"} and on (job, appid) calls_total > 0`:                           "",
		`sum by (appid) (rate(call_total[5m]))`:                                                         "no metric call_total",
		`sum by (app) (calls_total)`:                                                                    "no label app,",
		`calls_total{route="x"}`:                                                                        "no label route,",
		`calls_total{class="okay"}`:                                                                     `never "okay"`,
		`appid:calls:rate5m{class="ok"}`:                                                                "no label class,",
		`sum by (appid) (sum by (job) (calls_total))`:                                                   "no label appid,",
		`sum by (job) (calls_total) / on (appid) calls_total`:                                           "no label appid,",
		`calls_total unless on (class) appid:calls:rate5m`:                                              "no label class,",
		`histogram_quantile(0.9, sum by (appid) (rate(seconds_bucket[5m])))`:                            "no label le,",
		`sum by (le) (histogram_quantile(0.9, sum by (le) (rate(seconds_bucket[5m]))))`:                 "no label le,",
		`sum by (appid) (calls_total`:                                                                   "parse error",
		`rate(calls_total)`:                                                                             "parse error",
		`max by (appid) (max_over_time(calls_total{klass="ok"}[5m:1m]))`:                                "no label klass,",
		`sum by (class) (topk(3, calls_total) or appid:calls:rate5m)`:                                   "",
		`sum by (class) (appid:calls:rate5m or appid:calls:rate5m)`:                                     "no label class,",
		`sum by (class) (calls_total * on (appid) group_left () appid:calls:rate5m)`:                    "",
		`sum by (class) (appid:calls:rate5m * on (appid) group_left (class) calls_total{class="none"})`: `never "none"`,
	} {
		_, faults := c.check(text)
		if got := strings.Join(faults, "; "); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s\n\tgot  %s\n\twant %s", text, got, want)
		}
	}
}
