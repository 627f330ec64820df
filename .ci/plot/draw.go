package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// axis is how a sweep's values are drawn.
type axis struct {
	title string
	label string // with the unit
	value func(w workload) float64
	logX  bool
	logY  bool // where results differ by far
}

var axes = map[string]axis{
	"partitions": {"by number of partitions", "partitions", func(w workload) float64 { return float64(w.Partitions) }, true, false},
	"records":    {"by size of the backlog", "events in the topic", func(w workload) float64 { return float64(w.Events) }, true, false},
	"size":       {"by size of an event", "bytes of an event, about", func(w workload) float64 { return float64(w.Size) }, true, true},
	"latency":    {"by time that MSDK takes", "time of a call, ms", func(w workload) float64 { return w.Latency }, false, false},
	"bad":        {"by share of bad events", "bad events, %", func(w workload) float64 { return 100 * w.Bad }, false, false},
}

// measure is what is drawn of a report.
type measure struct {
	file  string // what the drawing's name has behind the sweep's
	title string
	label string
	of    func(costs) spread
	bound bool // the sink's latency bounds it
}

var measures = []measure{
	{"", "Events per second", "events per second", func(c costs) spread { return c.Rate }, true},
	{"-cost", "CPU time per event", "CPU time per event, µs", func(c costs) spread { return c.CPU }, false},
}

var (
	ink    = color.Gray{0x22}
	grey   = color.Gray{0x77}
	faint  = color.Gray{0xdd}
	blue   = color.RGBA{R: 0x1b, G: 0x5e, B: 0xa8, A: 0xff}
	orange = color.RGBA{R: 0xc2, G: 0x5b, B: 0x0d, A: 0xff}
)

const (
	width  = 18 * vg.Centimeter
	height = 11 * vg.Centimeter
)

// drawTo writes the drawing of a measure of the sweep.
func (s *sweep) drawTo(file string, m measure) error {
	p := plot.New()
	a := axes[s.name]
	s.label(p, a, m)

	var run, ceiling, bound series
	var ticks plot.ConstantTicks
	for _, r := range s.reports {
		x := a.value(r.Workload)
		run.add(x, m.of(r.Run))
		ceiling.add(x, m.of(r.Ceiling))
		if r.Bound > 0 && m.bound {
			bound.add(x, spread{r.Bound, r.Bound, r.Bound})
		}
		ticks = append(ticks, plot.Tick{Value: x, Label: grouped(x)})
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks, thousands{}
	if a.logX {
		p.X.Scale = plot.LogScale{}
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = faint, faint
	p.Add(grid)
	for _, line := range []struct {
		*series
		name string
		pen
	}{
		{&ceiling, "ceiling", pen{orange, draw.BoxGlyph{}, nil}},
		{&run, "run", pen{blue, draw.CircleGlyph{}, nil}},
		{&bound, "all that the time of a call allows", pen{grey, nil, []vg.Length{vg.Points(5), vg.Points(4)}}},
	} {
		if err := line.drawOn(p, line.name, line.pen); err != nil {
			return err
		}
	}
	highest := max(run.highest(), ceiling.highest(), bound.highest())
	p.Y.Min, p.Y.Max = 0, 1.25*highest // with room for the legend
	if a.logY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, powers{}
		p.Y.Min, p.Y.Max = math.Pow(10, math.Floor(math.Log10(run.lowest()))), 3*highest
	}
	return save(p, file)
}

// save writes the drawing as SVG, with a margin, and for viewers without the font with others of the same metrics.
func save(p *plot.Plot, file string) error {
	canvas := vgsvg.New(width, height)
	margin := vg.Points(10)
	p.Draw(draw.Crop(draw.New(canvas), margin, -2*margin, margin, -margin))
	var text bytes.Buffer
	if _, err := canvas.WriteTo(&text); err != nil {
		return err
	}
	svg := bytes.ReplaceAll(text.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
	return os.WriteFile(file, svg, 0o644)
}

// label puts titles on the drawing, and sets how text looks.
func (s *sweep) label(p *plot.Plot, a axis, m measure) {
	p.BackgroundColor = color.White
	r := s.reports[0]
	p.Title.Text = fmt.Sprintf("%s %s\n%s\n%s, %d CPUs, %s; median of %d, bars from lowest to highest",
		m.title, a.title, s.same(), r.Broker, r.Host.CPUs, r.Host.Go, len(r.Rounds))
	p.X.Label.Text, p.Y.Label.Text = a.label, m.label
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(3)
	p.Legend.XOffs, p.Legend.YOffs = -vg.Points(6), -vg.Points(6)
	for style, size := range map[*draw.TextStyle]vg.Length{
		&p.Title.TextStyle: 11, &p.X.Label.TextStyle: 11, &p.Y.Label.TextStyle: 11,
		&p.X.Tick.Label: 10, &p.Y.Tick.Label: 10, &p.Legend.TextStyle: 11,
	} {
		style.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
		style.Color = ink
	}
	p.Title.Padding = vg.Points(8)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color, axis.Tick.Color = ink, ink
		axis.Label.Padding = vg.Points(4)
		axis.Padding = vg.Points(6)
	}
}

// same says what all reports of a sweep have in common.
func (s *sweep) same() string {
	var parts []string
	for _, c := range []struct {
		form  string
		value func(w workload) float64
	}{
		{"%s events", func(w workload) float64 { return float64(w.Events) }},
		{"%s bytes each", func(w workload) float64 { return float64(w.Size) }},
		{"%s partitions", func(w workload) float64 { return float64(w.Partitions) }},
		{"%s events a call", func(w workload) float64 { return float64(w.Batch) }},
		{"%s calls at once", func(w workload) float64 { return float64(w.InFlight) }},
	} {
		first, alike := c.value(s.reports[0].Workload), true
		for _, r := range s.reports {
			alike = alike && c.value(r.Workload) == first
		}
		if alike {
			parts = append(parts, fmt.Sprintf(c.form, grouped(first)))
		}
	}
	return strings.Join(parts, ", ")
}
