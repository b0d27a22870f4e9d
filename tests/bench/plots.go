package main

import (
	"fmt"
	"image/color"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Colours of sluice, of the ceiling and of the peers.
var (
	oursColour    = color.RGBA{0x1f, 0x6f, 0xb4, 0xff}
	ceilingColour = color.RGBA{0xb0, 0xb0, 0xb0, 0xff}
	peerColour    = color.RGBA{0xe0, 0x8a, 0x3c, 0xff}
)

const (
	plotWidth  = 18 * vg.Centimeter
	plotHeight = 9 * vg.Centimeter
)

// bars are plots of one figure of all loggers at a work.
var bars = []struct {
	work, file, title, axis string
	figure                  Figure
}{
	{"a", "bulk", "(a) Throughput, writes of 64 KiB; more is better", "MB/s", megabytes},
	{"b", "lines", "(b) Lines of 100 bytes, one write each; more is better", "million lines/s", func(r Run) float64 { return perSecond(r) / 1e6 }},
	{"b", "lines-cpu", "(b) CPU of the logger; less is better", "us per line", cpuUSPerWrite},
	{"c", "chatty", "(c) CPU of the logger, 200 streams with 500 lines/s; less is better", "us per line", cpuUSPerWrite},
	{"f", "blocked", "(f) Longest blocked write while rotating with compression; less is better", "ms", longestMS},
}

// plotOf names the plot that a work's section shows, or "".
func plotOf(work string) string {
	switch {
	case work == "e":
		return "prepare"
	case work[:1] == "g":
		if work == "g10" {
			return "many"
		}
		return ""
	}
	for _, b := range bars {
		if b.work == work {
			return b.file
		}
	}
	return ""
}

// plot draws everything into dir, as SVG and PNG.
func (r *Results) plot(dir string) error {
	for _, b := range bars {
		if names := r.loggers(b.work); len(names) > 0 {
			p, err := r.barPlot(b.work, names, b.figure)
			if err != nil {
				return err
			}
			p.Title.Text, p.Y.Label.Text = b.title, b.axis
			if err := save(p, dir, b.file); err != nil {
				return err
			}
		}
	}
	if err := r.plotMany(dir); err != nil {
		return err
	}
	return r.plotPrepare(dir)
}

func save(p *plot.Plot, dir, name string) error {
	for _, kind := range []string{"svg", "png"} {
		if err := p.Save(plotWidth, plotHeight, filepath.Join(dir, name+"."+kind)); err != nil {
			return fmt.Errorf("draw %s: %w", name, err)
		}
	}
	return nil
}

// spread is the medians of a figure with the least and the greatest, for error bars.
type spread struct {
	plotter.XYs
	plotter.YErrors
}

func (r *Results) barPlot(work string, names []string, figure Figure) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Padding = vg.Points(6)
	p.Y.Min = 0
	p.NominalX(names...)
	p.X.Min, p.X.Max = -0.6, float64(len(names))-0.4
	p.Add(plotter.NewGrid())
	p.X.Tick.Label.Rotation = 0.35
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = -0.8, -0.6
	var points spread
	for i, name := range names {
		s, _ := r.stat(work, name, figure)
		bar, err := plotter.NewBarChart(plotter.Values{s.Median}, vg.Points(26))
		if err != nil {
			return nil, err
		}
		bar.XMin, bar.Color, bar.LineStyle.Width = float64(i), colourOf(name), 0
		p.Add(bar)
		points.add(float64(i), s)
	}
	return p, points.addTo(p)
}

func (s *spread) add(x float64, stat Stat) {
	s.XYs = append(s.XYs, plotter.XY{X: x, Y: stat.Median})
	s.YErrors = append(s.YErrors, struct{ Low, High float64 }{stat.Median - stat.Min, stat.Max - stat.Median})
}

func (s *spread) addTo(p *plot.Plot) error {
	errorBars, err := plotter.NewYErrorBars(s)
	if err == nil {
		p.Add(errorBars)
	}
	return err
}

func colourOf(name string) color.Color {
	for _, l := range loggers() {
		if l.Name == name && l.Ceiling {
			return ceilingColour
		}
	}
	if name == sluiceName {
		return oursColour
	}
	return peerColour
}

// plotMany draws CPU per byte over the number of streams.
func (r *Results) plotMany(dir string) error {
	p := plot.New()
	p.Title.Text = "(g) CPU of the logger at 100,000 lines/s in all; less is better"
	p.X.Label.Text, p.Y.Label.Text = "streams", "ns per byte"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{}
	p.Y.Min, p.Legend.Top, p.Legend.Left = 0, true, true
	drawn := false
	for _, name := range []string{sluiceName, s6Name} {
		var points spread
		for _, count := range r.Size.ManyStreams {
			if s, ok := r.stat(fmt.Sprintf("g%d", count), name, cpuNSPerByte); ok {
				points.add(float64(count), s)
			}
		}
		if len(points.XYs) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points.XYs)
		if err != nil {
			return err
		}
		line.Color, dots.Color = colourOf(name), colourOf(name)
		p.Add(line, dots)
		p.Legend.Add(name, line, dots)
		if err := points.addTo(p); err != nil {
			return err
		}
		drawn = true
	}
	if !drawn {
		return nil
	}
	return save(p, dir, "many")
}

// plotPrepare draws which part of the containers was prepared within a time.
func (r *Results) plotPrepare(dir string) error {
	p := plot.New()
	p.Title.Text = "(e) Time to prepare a container, both streams"
	p.X.Label.Text, p.Y.Label.Text = "microseconds", "part of the containers"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{}
	p.Legend.Top, p.Legend.Left = true, true
	names := r.loggers("e")
	for i, name := range names {
		var times []float64
		for _, run := range r.of("e", name) {
			for _, t := range run.Prepares {
				times = append(times, float64(t.Nanoseconds())/1e3)
			}
		}
		slices.Sort(times)
		points := make(plotter.XYs, len(times))
		for j, t := range times {
			points[j] = plotter.XY{X: t, Y: float64(j+1) / float64(len(times))}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = colourOf(name), vg.Points(1.5)
		line.Dashes = []vg.Length{vg.Points(float64(6 - i)), vg.Points(float64(i))}
		p.Add(line)
		p.Legend.Add(name, line)
	}
	if len(names) == 0 {
		return nil
	}
	return save(p, dir, "prepare")
}
