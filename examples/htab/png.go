package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math/bits"
	"os"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

const (
	mapPixels = 512 // the heat map is at least that wide
	margin    = 16
	legend    = 80 // height below the map
	box       = 32 // side of a legend's sample
)

var background = color.RGBA{32, 34, 40, 255}

// writePNG draws the table as a heat map with its legend.
func writePNG(name string, t *hpt.Table) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := png.Encode(f, picture(t)); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// picture has a square a group, row by row, group 0 at the top left: black is empty,
// white full; green are groups with bolted entries, brighter as they fill. The map is
// as wide as it is high, or half as high.
func picture(t *hpt.Table) image.Image {
	width := 1 << ((bits.Len64(t.Mask()) + 1) / 2)
	height := int(t.Groups()) / width
	scale := max(1, mapPixels/width)
	p := image.NewRGBA(image.Rect(0, 0, width*scale+2*margin, height*scale+2*margin+legend))
	fill(p, p.Bounds(), background)
	for g := range t.Groups() {
		entries, bolted := 0, false
		for _, h := range t.Group(g) {
			entries++
			bolted = bolted || h.Bolted()
		}
		x, y := margin+int(g)%width*scale, margin+int(g)/width*scale
		fill(p, image.Rect(x, y, x+scale, y+scale), shade(entries, bolted))
	}
	drawLegend(p, margin, 2*margin+height*scale, t, width)
	return p
}

// drawLegend says what the colours mean, and how much a row is.
func drawLegend(p *image.RGBA, x, y int, t *hpt.Table, row int) {
	for n := 0; n <= pte.SlotsPerGroup; n++ {
		at := x + n*(box+2)
		fill(p, image.Rect(at, y, at+box, y+box/2), shade(n, false))
		fill(p, image.Rect(at, y+box/2, at+box, y+box), shade(n, true))
		write(p, at+box/2-glyphWidth, y+box+4, fmt.Sprint(n))
	}
	right := x + (pte.SlotsPerGroup+1)*(box+2) + 8
	write(p, right, y+1, "entries a group")
	write(p, right, y+box/2+1, "some bolted")
	write(p, x, y+box+24, fmt.Sprintf("%d groups of %d, %d a row, from top left", t.Groups(), pte.SlotsPerGroup, row))
}

func shade(entries int, bolted bool) color.RGBA {
	light := uint8(entries * 255 / pte.SlotsPerGroup)
	if bolted {
		return color.RGBA{0, light/2 + 127, 0, 255}
	}
	return color.RGBA{light, light, light, 255}
}

func fill(p *image.RGBA, r image.Rectangle, c color.RGBA) {
	draw.Draw(p, r, image.NewUniform(c), image.Point{}, draw.Src)
}
