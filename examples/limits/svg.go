package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strconv"
)

// The picture of a curve: a frame, ticks, for each series a line through its
// medians with a bar from quartile to quartile, and a legend.
const (
	width, height       = 900, 540
	left, top           = 80, 50
	plotWide, plotHigh  = 580, 420
	right, bottom       = left + plotWide, top + plotHigh
	legendLeft, lineGap = right + 20, 20
)

// palette has colours that are told apart without red and green.
var palette = []string{"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#000000", "#7b5fc6", "#8a6d3b", "#b8c400"}

// axis maps figures to pixels.
type axis struct {
	lo, hi   float64
	log      bool
	from, to float64
}

func (a axis) at(x float64) float64 {
	lo, hi := a.lo, a.hi
	if a.log {
		lo, hi, x = math.Log(lo), math.Log(hi), math.Log(x)
	}
	return a.from + (x-lo)/(hi-lo)*(a.to-a.from)
}

// ticks are 1, 2 and 5 times powers of ten on a logarithmic axis, else about five
// steps.
func (a axis) ticks() (ts []float64) {
	if a.log {
		for p := math.Pow(10, math.Floor(math.Log10(a.lo))); p <= a.hi; p *= 10 {
			for _, t := range []float64{p, 2 * p, 5 * p} {
				if t >= a.lo && t <= a.hi {
					ts = append(ts, t)
				}
			}
		}
		return ts
	}
	step := math.Pow(10, math.Floor(math.Log10(a.hi-a.lo)))
	if (a.hi-a.lo)/step < 5 {
		step /= 2
	}
	for t := math.Ceil(a.lo/step) * step; t <= a.hi; t += step {
		ts = append(ts, t)
	}
	return ts
}

// xs are the places that were measured.
func (c *curve) xs() (xs []float64) {
	for _, p := range c.points[c.series[0]] {
		xs = append(xs, p.x)
	}
	return xs
}

// axes fits both axes to the points.
func (c *curve) axes() (x, y axis) {
	x = axis{math.Inf(1), math.Inf(-1), c.logX, left, right}
	y = axis{math.Inf(1), math.Inf(-1), c.logY, bottom, top}
	for _, ps := range c.points {
		for _, p := range ps {
			x.lo, x.hi = min(x.lo, p.x), max(x.hi, p.x)
			y.lo, y.hi = min(y.lo, p.P25), max(y.hi, p.P75)
		}
	}
	if x.lo == x.hi {
		x.hi = x.lo + 1
	}
	if c.logY {
		y.lo, y.hi = y.lo/1.2, y.hi*1.2
	} else {
		y.lo, y.hi = 0, max(y.hi*1.1, 1)
	}
	return x, y
}

// svg draws the curve.
func (c *curve) svg() []byte {
	var b bytes.Buffer
	x, y := c.axes()
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/><text x="%d" y="28" font-size="16">%s</text>`+"\n", left, html.EscapeString(c.title))
	for _, t := range c.xs() {
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x.at(t), top, bottom, x.at(t), bottom+18, short(t))
	}
	for _, t := range y.ticks() {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", left, y.at(t), right, left-6, y.at(t)+4, short(t))
	}
	fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#000"/>`+"\n", left, top, plotWide, plotHigh)
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", left+plotWide/2, bottom+42, html.EscapeString(c.x))
	fmt.Fprintf(&b, `<text transform="translate(22 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", top+plotHigh/2, html.EscapeString(c.y))
	for i, name := range c.series {
		c.line(&b, x, y, i, name)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// line draws one series and its place in the legend.
func (c *curve) line(b *bytes.Buffer, x, y axis, i int, name string) {
	colour := palette[i%len(palette)]
	fmt.Fprintf(b, `<g stroke="%s" fill="none" stroke-width="1.8"><path d="`, colour)
	for j, p := range c.points[name] {
		fmt.Fprintf(b, "%c%.1f %.1f", "ML"[min(j, 1)], x.at(p.x), y.at(p.Median))
	}
	b.WriteString(`"/>`)
	for _, p := range c.points[name] {
		fmt.Fprintf(b, `<path d="M%.1f %.1fV%.1f" stroke-width="1"/><circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`, x.at(p.x), y.at(p.P25), y.at(p.P75), x.at(p.x), y.at(p.Median), colour)
	}
	at := top + 10 + i*lineGap
	fmt.Fprintf(b, `<path d="M%d %dh18"/></g><text x="%d" y="%d">%s</text>`+"\n", legendLeft, at, legendLeft+24, at+4, html.EscapeString(name))
}

// short writes a figure as a reader would.
func short(x float64) string {
	for _, u := range []struct {
		unit float64
		name string
	}{{1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "K"}} {
		if n := x / u.unit; n >= 1 && n == math.Trunc(n) {
			return fmt.Sprintf("%.0f%s", n, u.name)
		}
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}
