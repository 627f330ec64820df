package telemetrytest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Attribute is one of a list as text; empty: there is none of that name.
func Attribute(all []*common.KeyValue, name string) string {
	for _, kv := range all {
		if kv.Key == name {
			return textOf(kv.Value)
		}
	}
	return ""
}

func textOf(v *common.AnyValue) string {
	switch v := v.Value.(type) {
	case *common.AnyValue_StringValue:
		return v.StringValue
	case *common.AnyValue_IntValue:
		return strconv.FormatInt(v.IntValue, 10)
	case *common.AnyValue_BoolValue:
		return strconv.FormatBool(v.BoolValue)
	case *common.AnyValue_DoubleValue:
		return strconv.FormatFloat(v.DoubleValue, 'g', 4, 64)
	default:
		return fmt.Sprint(v)
	}
}

// Tree prints spans as trees, by when they began and, at the same time, by name: for each its times since the first of
// all began, the attributes that are asked for, whether it failed, what it is linked to, and its events. Spans that have
// not come but are parents or linked to are named by their id.
func Tree(spans []*traces.Span, attributes ...string) string {
	if len(spans) == 0 {
		return ""
	}
	spans = slices.Clone(spans)
	slices.SortStableFunc(spans, func(a, b *traces.Span) int {
		return cmp.Or(cmp.Compare(a.StartTimeUnixNano, b.StartTimeUnixNano), strings.Compare(a.Name, b.Name), cmp.Compare(a.EndTimeUnixNano, b.EndTimeUnixNano))
	})
	t := &tree{epoch: spans[0].StartTimeUnixNano, attributes: attributes, below: map[string][]*traces.Span{}}
	come := map[string]bool{}
	for _, s := range spans {
		come[string(s.SpanId)] = true
	}
	var roots []string // ids of spans that have not come, in order; empty: none
	for _, s := range spans {
		parent := string(s.ParentSpanId)
		if !come[parent] && !slices.Contains(roots, parent) {
			roots = append(roots, parent)
		}
		t.below[parent] = append(t.below[parent], s)
	}
	for _, r := range roots {
		if r == "" {
			for _, s := range t.below[r] {
				t.print(s, "", "")
			}
			continue
		}
		fmt.Fprintf(&t.Builder, "(%x)\n", r)
		t.children(r, "")
	}
	return t.String()
}

type tree struct {
	strings.Builder
	epoch      uint64
	attributes []string
	below      map[string][]*traces.Span // by the parent's id
}

func (t *tree) since(nanos uint64) string {
	return time.Duration(nanos - t.epoch).Round(time.Millisecond).String()
}

func (t *tree) print(s *traces.Span, first, rest string) {
	fmt.Fprintf(t, "%s%s  %s…%s", first, s.Name, t.since(s.StartTimeUnixNano), t.since(s.EndTimeUnixNano))
	for _, name := range t.attributes {
		if v := Attribute(s.Attributes, name); v != "" {
			fmt.Fprintf(t, " %s=%s", name[strings.LastIndexByte(name, '.')+1:], v)
		}
	}
	if s.Status.GetCode() == traces.Status_STATUS_CODE_ERROR {
		t.WriteString(" FAILED")
	}
	for i, l := range s.Links {
		if i == 0 {
			t.WriteString(" ←")
		}
		fmt.Fprintf(t, " %x", l.SpanId)
	}
	t.WriteByte('\n')
	id, bar := string(s.SpanId), "   "
	if len(t.below[id]) > 0 {
		bar = "│  "
	}
	for _, e := range s.Events {
		fmt.Fprintf(t, "%s%s• %s %s", rest, bar, t.since(e.TimeUnixNano), e.Name)
		for _, kv := range e.Attributes {
			fmt.Fprintf(t, " %s=%s", kv.Key, textOf(kv.Value))
		}
		t.WriteByte('\n')
	}
	t.children(id, rest)
}

func (t *tree) children(id, rest string) {
	for i, s := range t.below[id] {
		if i == len(t.below[id])-1 {
			t.print(s, rest+"└─ ", rest+"   ")
		} else {
			t.print(s, rest+"├─ ", rest+"│  ")
		}
	}
}
