// Budget draws what the test of the node's budget saw: what 200 containers wrote, and
// what is kept of it (docs/limits.md). "make budget" runs both.
package main

import (
	"encoding/json"
	"fmt"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// figures are those of tests/e2e/budget, as far as they are drawn.
type figures struct {
	DiskBytes, MostBytes, WrittenBytes int64
	Kept                               []struct{ WrittenBytes, KeptBytes int64 }
}

var (
	writtenColour = color.RGBA{0xb0, 0xb0, 0xb0, 0xff}
	keptColour    = color.RGBA{0x1f, 0x6f, 0xb4, 0xff}
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "budget:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("expected FIGURES.json PLOT.svg, not %q", args)
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var f figures
	if err := json.Unmarshal(text, &f); err != nil {
		return fmt.Errorf("read %s: %w", args[0], err)
	}
	p, err := f.plot()
	if err != nil {
		return err
	}
	return p.Save(18*vg.Centimeter, 9*vg.Centimeter, args[1])
}

func (f *figures) plot() (*plot.Plot, error) {
	const mebibyte = 1 << 20
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%d containers write %.1f GB into a disk of %d MiB; node_max_bytes=%dMB",
		len(f.Kept), float64(f.WrittenBytes)/1e9, f.DiskBytes/mebibyte, f.MostBytes/mebibyte)
	p.Title.Padding = vg.Points(6)
	p.X.Label.Text, p.Y.Label.Text = "container, the one that writes most first", "MiB"
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Legend.Top = true
	var written, kept plotter.XYs
	for i, c := range f.Kept {
		written = append(written, plotter.XY{X: float64(i + 1), Y: float64(c.WrittenBytes) / mebibyte})
		kept = append(kept, plotter.XY{X: float64(i + 1), Y: float64(c.KeptBytes) / mebibyte})
	}
	line, err := plotter.NewLine(written)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = writtenColour, vg.Points(1.5)
	dots, err := plotter.NewScatter(kept)
	if err != nil {
		return nil, err
	}
	dots.Color, dots.Radius = keptColour, vg.Points(1.6)
	p.Add(plotter.NewGrid(), line, dots)
	p.Legend.Add("written", line)
	p.Legend.Add("kept", dots)
	return p, nil
}
