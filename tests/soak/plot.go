package main

import (
	"bytes"
	"fmt"
)

// Sizes of the plot, in pixels: one panel for each curve, one below the other.
const (
	panelWidth  = 760
	panelHeight = 90
	panelStep   = panelHeight + 34
	marginLeft  = 20
	marginTop   = 24
)

// plot draws every curve over the time; the quarters that are compared are shaded.
func plot(all samples) []byte {
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n",
		panelWidth+2*marginLeft, len(curves)*panelStep+marginTop)
	svg.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	if len(all) > 1 {
		for i, c := range curves {
			drawPanel(&svg, all, c, marginTop+i*panelStep)
		}
	}
	svg.WriteString("</svg>\n")
	return svg.Bytes()
}

func drawPanel(svg *bytes.Buffer, all samples, c curve, top int) {
	most := 0.0
	for _, s := range all {
		most = max(most, c.value(s))
	}
	end := all[len(all)-1].at
	fmt.Fprintf(svg, `<text x="%d" y="%d">%s, 0 to %.4g %s, in %s</text>`+"\n", marginLeft, top-5, c.name, most, c.unit, end.Round(1e9))
	for _, n := range []int{1, 3} {
		fmt.Fprintf(svg, `<rect x="%d" y="%d" width="%d" height="%d" fill="#eef3f8"/>`+"\n",
			marginLeft+panelWidth*n/4, top, panelWidth/4, panelHeight)
	}
	fmt.Fprintf(svg, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#999"/>`+"\n", marginLeft, top, panelWidth, panelHeight)
	svg.WriteString(`<polyline fill="none" stroke="#1f6fb4" points="`)
	for _, s := range all {
		x := marginLeft + panelWidth*s.at.Seconds()/end.Seconds()
		y := float64(top+panelHeight) - panelHeight*c.value(s)/max(most, 1)
		fmt.Fprintf(svg, "%.1f,%.1f ", x, y)
	}
	svg.WriteString(`"/>` + "\n")
}
