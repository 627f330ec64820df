package main

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// series is the points of a line, each with how far its rounds reach.
type series struct {
	plotter.XYs
	plotter.YErrors
}

func (s *series) add(x float64, y spread) {
	s.XYs = append(s.XYs, plotter.XY{X: x, Y: y.Median})
	s.YErrors = append(s.YErrors, struct{ Low, High float64 }{y.Median - y.Min, y.Max - y.Median})
}

func (s *series) highest() float64 {
	highest := 0.0
	for i, p := range s.XYs {
		highest = max(highest, p.Y+s.YErrors[i].High)
	}
	return highest
}

func (s *series) lowest() float64 {
	lowest := math.Inf(1)
	for i, p := range s.XYs {
		lowest = min(lowest, p.Y-s.YErrors[i].Low)
	}
	return lowest
}

// pen is how a line looks. Without a shape its points are not marked, nor how far they reach.
type pen struct {
	colour color.Color
	shape  draw.GlyphDrawer
	dashes []vg.Length
}

// drawOn adds the line and its entry in the legend; no points: nothing.
func (s *series) drawOn(p *plot.Plot, name string, with pen) error {
	if len(s.XYs) == 0 {
		return nil
	}
	line, points, err := plotter.NewLinePoints(s.XYs)
	if err != nil {
		return err
	}
	line.Color, line.Width, line.Dashes = with.colour, vg.Points(1.6), with.dashes
	p.Add(line)
	if with.shape == nil {
		p.Legend.Add(name, line)
		return nil
	}
	points.GlyphStyle = draw.GlyphStyle{Color: with.colour, Radius: vg.Points(3.2), Shape: with.shape}
	bars, err := plotter.NewYErrorBars(s)
	if err != nil {
		return err
	}
	bars.LineStyle.Color, bars.LineStyle.Width = with.colour, vg.Points(1)
	p.Add(bars, points)
	p.Legend.Add(name, line, points)
	return nil
}

// thousands are ticks at round values, written out.
type thousands struct{}

func (thousands) Ticks(low, high float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10(high-low)))
	switch n := (high - low) / step; {
	case n < 2:
		step /= 5
	case n < 5:
		step /= 2
	}
	var ticks []plot.Tick
	for v := math.Ceil(low/step) * step; v <= high; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: grouped(v)})
	}
	return ticks
}

// powers are ticks at the powers of ten, written out, and without a text between them.
type powers struct{}

func (powers) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for power := math.Pow(10, math.Ceil(math.Log10(low))); power <= high; power *= 10 {
		ticks = append(ticks, plot.Tick{Value: power, Label: grouped(power)})
		for n := 2.0; n < 10 && n*power <= high; n++ {
			ticks = append(ticks, plot.Tick{Value: n * power})
		}
	}
	return ticks
}

// grouped writes a number with a comma before every third digit of its whole part.
func grouped(v float64) string {
	if v != math.Trunc(v) {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	text := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
