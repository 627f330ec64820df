package main

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

var (
	ink   = color.Gray{0x22}
	grey  = color.Gray{0x88}
	faint = color.Gray{0xdd}
	blue  = color.RGBA{R: 0x1b, G: 0x5e, B: 0xa8, A: 0xff}
	sand  = color.RGBA{R: 0xfb, G: 0xe9, B: 0xd3, A: 0xff}
)

// drawn are the scenarios in the drawing, each with what happens in a part of it.
var drawn = []struct {
	name, what string
	begin, end float64 // minutes
}{
	{"an evening peak", "", 0, 0},
	{"an outage of the platform as the evening begins", "the platform is down", 90, 130},
	{"a platform that takes 6,000 a second and no more", "", 0, 0},
	{"Prometheus away as the evening begins", "Prometheus is away", 70, 120},
}

// drawTo writes the drawing as SVG, two panels in a row.
func drawTo(file string, plays []*play) error {
	const columns = 2
	panels := make([][]*plot.Plot, len(drawn)/columns)
	for i, d := range drawn {
		at := slices.IndexFunc(plays, func(p *play) bool { return p.name == d.name })
		if at < 0 {
			return fmt.Errorf("there is no scenario %q to draw", d.name)
		}
		panel, err := plays[at].panel(d.what, d.begin, d.end)
		if err != nil {
			return err
		}
		panels[i/columns] = append(panels[i/columns], panel)
	}
	canvas := vgsvg.New(26*vg.Centimeter, 16*vg.Centimeter)
	tiles := draw.Tiles{Rows: len(panels), Cols: columns, PadX: 14, PadY: 14, PadTop: 8, PadBottom: 8, PadLeft: 8, PadRight: 12}
	for row, of := range plot.Align(panels, tiles, draw.New(canvas)) {
		for column, on := range of {
			panels[row][column].Draw(on)
		}
	}
	var text bytes.Buffer
	if _, err := canvas.WriteTo(&text); err != nil {
		return err
	}
	svg := bytes.ReplaceAll(text.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
	return os.WriteFile(file, svg, 0o644)
}

// panel draws the number of pods over that which would do without any reserve.
func (p *play) panel(what string, begin, end float64) (*plot.Plot, error) {
	panel := plot.New()
	panel.BackgroundColor = color.White
	panel.Title.Text = p.name
	panel.X.Label.Text, panel.Y.Label.Text = "minutes", "members"
	panel.X.Min, panel.X.Max, panel.Y.Min, panel.Y.Max = 0, float64(p.minutes), 0, 33
	panel.Legend.Top, panel.Legend.Left = true, true
	panel.Legend.Padding = 2
	panel.Legend.XOffs, panel.Legend.YOffs = 4, -2
	for style, size := range map[*draw.TextStyle]vg.Length{
		&panel.Title.TextStyle: 11, &panel.X.Label.TextStyle: 10, &panel.Y.Label.TextStyle: 10,
		&panel.X.Tick.Label: 9, &panel.Y.Tick.Label: 9, &panel.Legend.TextStyle: 10,
	} {
		style.Font, style.Color = font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}, ink
	}
	panel.X.Tick.Marker, panel.Y.Tick.Marker = each(60, p.minutes), each(6, partitions)

	if what != "" {
		area, err := plotter.NewPolygon(plotter.XYs{{X: begin, Y: 0}, {X: end, Y: 0}, {X: end, Y: partitions}, {X: begin, Y: partitions}})
		if err != nil {
			return nil, err
		}
		area.Color, area.LineStyle.Width = sand, 0
		panel.Add(area)
		panel.Legend.Add(what, area)
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = faint, faint
	panel.Add(grid)

	// The waves on what comes in would hide the rest: three minutes are one point.
	var needed plotter.XYs
	for minute := 0; minute+3 <= len(p.moments); minute += 3 {
		sum := 0.0
		for _, m := range p.moments[minute : minute+3] {
			sum += m.arrivals
		}
		needed = append(needed, plotter.XY{X: float64(minute) + 1.5, Y: sum / 3 / capacity})
	}
	replicas := float64(p.begin)
	pods := plotter.XYs{{X: 0, Y: replicas}}
	for _, s := range p.steps {
		minute := float64(s.at) / 60
		pods = append(pods, plotter.XY{X: minute, Y: replicas})
		replicas += float64(s.by)
		pods = append(pods, plotter.XY{X: minute, Y: replicas})
	}
	pods = append(pods, plotter.XY{X: float64(p.minutes), Y: replicas})
	for _, l := range []struct {
		name   string
		points plotter.XYs
		colour color.Color
		dashes []vg.Length
	}{
		{"what comes in, in members' capacities", needed, grey, []vg.Length{3, 2}},
		{"members", pods, blue, nil},
	} {
		line, err := plotter.NewLine(l.points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width, line.Dashes = l.colour, vg.Points(1.6), l.dashes
		panel.Add(line)
		panel.Legend.Add(l.name, line)
	}
	return panel, nil
}

func each(step, end int) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for v := 0; v <= end; v += step {
		ticks = append(ticks, plot.Tick{Value: float64(v), Label: fmt.Sprint(v)})
	}
	return ticks
}
